// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <libdevmapper.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <syslog.h>
#include <unistd.h>

#include "util/alloc.h"
#include "device/dm.h"
#include "util/say.h"

/* The prefix of the UUIDs of LVM's devices. */
#define LVM_UUID	"LVM-"

static char last_error[512];

/* Save libdevmapper's message instead of printing it; the caller reports it by dm_last_error(). */
static void keep_error(int level, const char *file, int line, int error, const char *format, ...)
{
	va_list arguments;

	(void)file;
	(void)line;
	(void)error;
	if ((level & LOG_PRIMASK) > LOG_ERR)
		return;
	va_start(arguments, format);
	vsnprintf(last_error, sizeof(last_error), format, arguments);
	va_end(arguments);
}

const char *dm_last_error(void)
{
	return last_error;
}

/* Exit unless the caller is root and the kernel has device-mapper. */
void dm_begin(void)
{
	char version[32];

	dm_log_with_errno_init(keep_error);
	if (geteuid())
		die(EXIT_FAILED, "only root may do this");
	if (!dm_driver_version(version, sizeof(version)))
		die(EXIT_FAILED, "the kernel has no device-mapper (%s): modprobe dm-mod",
		    last_error);
}

static struct dm_task *new_task(int kind, const char *name)
{
	struct dm_task *task = dm_task_create(kind);

	if (!task || (name && !dm_task_set_name(task, name)))
		die(EXIT_FAILED, "device-mapper: %s", last_error);
	return task;
}

/* A task for a device by its number, which a rename does not change. */
static struct dm_task *new_task_number(int kind, dev_t dev)
{
	struct dm_task *task = new_task(kind, NULL);

	dm_task_set_major(task, major(dev));
	dm_task_set_minor(task, minor(dev));
	return task;
}

/* Run a task that changes nothing; false if there is no such device. */
static bool look(struct dm_task *task, struct dm_info *info)
{
	return dm_task_run(task) && dm_task_get_info(task, info) && info->exists;
}

static bool get_info(struct dm_task *task, struct mapped *mapped)
{
	struct dm_info info;
	bool found = look(task, &info);

	if (found)
		*mapped = (struct mapped){
			.name = copy_text(dm_task_get_name(task)),
			.uuid = copy_text(dm_task_get_uuid(task)),
			.dev = makedev(info.major, info.minor),
			.live = info.live_table,
			.inactive = info.inactive_table,
			.suspended = info.suspended,
			.read_only = info.read_only,
			.open_count = info.open_count,
		};
	dm_task_destroy(task);
	return found;
}

/* Return whether a device is LVM's: a volume, or a layer of one. */
bool dm_is_lvms(const struct mapped *mapped)
{
	return !strncmp(mapped->uuid, LVM_UUID, strlen(LVM_UUID));
}

/* Look a device up by its name. */
bool dm_find(const char *name, struct mapped *mapped)
{
	return get_info(new_task(DM_DEVICE_INFO, name), mapped);
}

/* Look a device up by its UUID, with the prefix. */
bool dm_find_uuid(const char *uuid, struct mapped *mapped)
{
	struct dm_task *task = new_task(DM_DEVICE_INFO, NULL);

	if (!dm_task_set_uuid(task, uuid))
		die(EXIT_FAILED, "device-mapper: %s", last_error);
	return get_info(task, mapped);
}

bool dm_find_number(dev_t dev, struct mapped *mapped)
{
	return get_info(new_task_number(DM_DEVICE_INFO, dev), mapped);
}

/* Find a logical volume by its VG/LV. */
bool dm_find_volume(const char *name, struct mapped *mapped)
{
	const char *slash = strchr(name, '/');
	struct dm_pool *pool;
	char *vg, *mangled;
	bool found = false;

	if (!slash || slash == name || !slash[1] || strchr(slash + 1, '/'))
		return false;
	pool = dm_pool_create("name", 1024);
	vg = format_text("%.*s", (int)(slash - name), name);
	mangled = pool ? dm_build_dm_name(pool, vg, slash + 1, NULL) : NULL;
	if (mangled)
		found = dm_find(mangled, mapped) && dm_is_lvms(mapped);
	if (pool)
		dm_pool_destroy(pool);
	free(vg);
	return found;
}

/* Look a device up by its name, the path of a node of it or the VG/LV of a volume, or end. */
struct mapped dm_device(const char *name)
{
	struct mapped mapped;
	struct stat status;

	if (dm_find_volume(name, &mapped))
		return mapped;
	if (strchr(name, '/')) {
		if (stat(name, &status))
			die(EXIT_FAILED, "%s: %s", name, strerror(errno));
		if (!S_ISBLK(status.st_mode) || !dm_find_number(status.st_rdev, &mapped))
			die(EXIT_FAILED, "%s is no mapped device", name);
	} else if (!dm_find(name, &mapped)) {
		die(EXIT_FAILED, "there is no mapped device \"%s\": daxlinear status lists those that there are",
		    name);
	}
	return mapped;
}

/* All mapped devices. */
size_t dm_names(char ***names)
{
	struct dm_task *task = new_task(DM_DEVICE_LIST, NULL);
	struct dm_names *list;
	size_t nr = 0;

	if (!dm_task_run(task))
		die(EXIT_FAILED, "device-mapper: %s", last_error);
	list = dm_task_get_names(task);
	*names = NULL;
	while (list && list->dev) {
		*names = grow(*names, nr, sizeof(**names));
		(*names)[nr++] = copy_text(list->name);
		if (!list->next)
			break;
		list = (struct dm_names *)((char *)list + list->next);
	}
	dm_task_destroy(task);
	return nr;
}

/* Read the targets of a device; none if it lacks the table that the task queries. */
static bool get_targets(struct dm_task *task, struct table *table)
{
	uint64_t start, len;
	char *type, *params;
	struct dm_info info;
	void *next = NULL;
	bool found = look(task, &info);

	*table = (struct table){ 0 };
	if (found) {
		do {
			next = dm_get_next_target(task, next, &start, &len, &type, &params);
			if (type)
				table_add(table, start, len, type, params);
		} while (next);
	}
	dm_task_destroy(task);
	return found;
}

/* The live table; false if there is no such device, an empty one if it has none. */
bool dm_table(const char *name, struct table *table)
{
	return get_targets(new_task(DM_DEVICE_TABLE, name), table);
}

/* The live or the loaded table of the device of a number; the rest is as with dm_table(). */
bool dm_table_number(dev_t dev, bool loaded, struct table *table)
{
	struct dm_task *task = new_task_number(DM_DEVICE_TABLE, dev);

	if (loaded)
		dm_task_query_inactive_table(task);
	return get_targets(task, table);
}

/*
 * The direct children of a mapped device's live table; none if it is no mapped
 * device.  The slaves in sysfs are no substitute: those of a replaced table stay
 * there until it is destroyed, which is after the event.
 */
size_t dm_children(dev_t dev, dev_t **children)
{
	struct dm_task *task = new_task_number(DM_DEVICE_DEPS, dev);
	struct dm_deps *deps = NULL;
	struct dm_info info;
	size_t nr = 0;

	*children = NULL;
	if (look(task, &info))
		deps = dm_task_get_deps(task);
	while (deps && nr < deps->count) {
		*children = grow(*children, nr, sizeof(**children));
		(*children)[nr] = deps->device[nr];
		nr++;
	}
	dm_task_destroy(task);
	return nr;
}

/*
 * Whether LVM hides a volume.  Its name is all there is to know that by when it is made: the
 * volume that stands on it is made later.  LVM refuses such names for volumes of users.
 */
static bool is_hidden(const char *lv)
{
	static const char * const parts[] = {
		"_cdata", "_cmeta", "_corig", "_cvol", "_imeta", "_iorig", "_mimage", "_mlog",
		"_pmspare", "_rimage", "_rmeta", "_tdata", "_tmeta", "_vdata", "_vorigin", "_wcorig",
	};
	size_t i;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (strstr(lv, parts[i]))
			return true;
	return !strncmp(lv, "pvmove", strlen("pvmove"));
}

/* The VG/LV of a mapped device; NULL if it is none of LVM's, or a layer that LVM hides. */
char *dm_volume_name(const struct mapped *mapped)
{
	char *vg, *lv, *layer, *name = NULL;
	struct dm_pool *pool;

	if (!dm_is_lvms(mapped))
		return NULL;
	pool = dm_pool_create("name", 1024);
	if (pool && dm_split_lvm_name(pool, mapped->name, &vg, &lv, &layer) && *lv && !*layer &&
	    !is_hidden(lv))
		name = format_text("%s/%s", vg, lv);
	if (pool)
		dm_pool_destroy(pool);
	return name;
}

/* Close the library's control file: an LVM command that inherits it prints a warning. */
void dm_release(void)
{
	dm_lib_release();
}

/* The status of each target, in the place of its parameters. */
bool dm_status(const char *name, struct table *status)
{
	struct dm_task *task = new_task(DM_DEVICE_STATUS, name);

	/* Without this the query would write back dirty data. */
	dm_task_no_flush(task);
	return get_targets(task, status);
}

/* Whether a target type is registered in the kernel. */
bool dm_knows_target(const char *type)
{
	struct dm_task *task = new_task(DM_DEVICE_LIST_VERSIONS, NULL);
	struct dm_versions *version;
	bool known = false;

	if (!dm_task_run(task))
		die(EXIT_FAILED, "device-mapper: %s", last_error);
	version = dm_task_get_versions(task);
	while (version && !known) {
		known = !strcmp(version->name, type);
		if (!version->next)
			break;
		version = (struct dm_versions *)((char *)version + version->next);
	}
	dm_task_destroy(task);
	return known;
}

/* Run a task that changes something; 0 or a negative errno. */
static int change(struct dm_task *task, bool udev)
{
	uint32_t cookie = 0;
	int err = 0;

	/* Wait for udev to process the event, so that the device nodes exist. */
	if (udev && !dm_task_set_cookie(task, &cookie, 0))
		udev = false;
	if (!dm_task_run(task))
		err = dm_task_get_errno(task) ? -dm_task_get_errno(task) : -EIO;
	if (udev)
		dm_udev_wait(cookie);
	dm_task_update_nodes();
	dm_task_destroy(task);
	return err;
}

static void add_targets(struct dm_task *task, const struct table *table)
{
	size_t i;

	for (i = 0; i < table->nr; i++) {
		const struct target *target = &table->targets[i];

		if (!dm_task_add_target(task, target->start_sectors, target->len_sectors,
					target->type, target->params))
			die(EXIT_FAILED, "device-mapper: %s", last_error);
	}
}

/* Make a device without a table. */
int dm_create_bare(const char *name, const char *uuid)
{
	struct dm_task *task = new_task(DM_DEVICE_CREATE, name);

	if (!dm_task_set_uuid(task, uuid))
		die(EXIT_FAILED, "device-mapper: %s", last_error);
	return change(task, false);
}

/* Load a table, for dm_resume() to make live. */
int dm_load(const struct mapped *mapped, const struct table *table)
{
	struct dm_task *task = new_task(DM_DEVICE_RELOAD, mapped->name);

	if (mapped->read_only)
		dm_task_set_ro(task);
	add_targets(task, table);
	return change(task, false);
}

int dm_resume(const char *name)
{
	return change(new_task(DM_DEVICE_RESUME, name), true);
}

int dm_rename(const char *name, const char *to)
{
	struct dm_task *task = new_task(DM_DEVICE_RENAME, name);

	if (!dm_task_set_newname(task, to))
		die(EXIT_FAILED, "device-mapper: %s", last_error);
	return change(task, true);
}

/* Drop a loaded table that is not live. */
int dm_clear(const char *name)
{
	return change(new_task(DM_DEVICE_CLEAR, name), false);
}

int dm_clear_number(dev_t dev)
{
	return change(new_task_number(DM_DEVICE_CLEAR, dev), false);
}

/*
 * Load a table and make it live, with no flush and no freeze in between.  For
 * callers that udev waits for, so this must not wait for udev: no cookie.  But
 * libdevmapper makes udev drop the links of a device that is resumed without a
 * cookie, unless support for udev is off.
 */
int dm_swap(const struct mapped *mapped, const struct table *table)
{
	struct dm_task *task = new_task_number(DM_DEVICE_RELOAD, mapped->dev);
	int err;

	if (mapped->read_only)
		dm_task_set_ro(task);
	add_targets(task, table);
	err = change(task, false);
	if (err)
		return err;
	dm_udev_set_sync_support(0);
	task = new_task_number(DM_DEVICE_RESUME, mapped->dev);
	dm_task_skip_lockfs(task);
	dm_task_no_flush(task);
	return change(task, false);
}

int dm_remove(const struct mapped *mapped)
{
	struct dm_task *task = new_task(DM_DEVICE_REMOVE, mapped->name);
	unsigned int major = major(mapped->dev), minor = minor(mapped->dev);

	/* udev may hold the device open for a moment; a filesystem or a device on it stays. */
	if (!dm_device_has_mounted_fs(major, minor) && !dm_device_has_holders(major, minor))
		dm_task_retry_remove(task);
	return change(task, true);
}

/*
 * Make a device with a live table; remove it again if that fails.  The library
 * can do both in one task, but then loses the errno of the failure.
 */
int dm_create(const char *name, const char *uuid, const struct table *table)
{
	int err = dm_create_bare(name, uuid);
	struct mapped mapped;

	if (err)
		return err;
	if (!dm_find(name, &mapped))
		return -ENXIO;
	err = dm_load(&mapped, table);
	if (!err)
		err = dm_resume(name);
	if (err)
		dm_remove(&mapped);
	free(mapped.name);
	free(mapped.uuid);
	return err;
}
