// SPDX-License-Identifier: GPL-2.0
/*
 * LVM loads "linear" tables, and only the word has to change.  What LVM must
 * never meet is a table of ours that is loaded and not live: it would take it
 * for its own and make it live in the place of what it was asked for.  So
 * whoever converts has LVM's command wait, in its udev cookie or by the lock of
 * the volume group, and somebody else looks after him in case he is killed.
 */
#include <libdevmapper.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc.h"
#include "lvm_convert.h"
#include "lock.h"
#include "say.h"

#define TARGET_LVMS	"linear"

static struct dm_task *new_task(int kind, const struct volume *volume)
{
	struct dm_task *task = dm_task_create(kind);

	/* By number: it may be renamed meanwhile. */
	if (!task || !dm_task_set_major(task, major(volume->mapped.dev)) ||
	    !dm_task_set_minor(task, minor(volume->mapped.dev)))
		die(EXIT_FAILED, "device-mapper: %s", dm_last_error());
	return task;
}

/* Read one of the two tables; false if there is none. */
static bool read_table(const struct volume *volume, bool inactive, struct table *table,
		       struct dm_info *info)
{
	struct dm_task *task = new_task(DM_DEVICE_TABLE, volume);
	uint64_t start, len;
	char *type, *params;
	void *next = NULL;
	bool found;

	*table = (struct table){ 0 };
	if (inactive)
		dm_task_query_inactive_table(task);
	found = dm_task_run(task) && dm_task_get_info(task, info) && info->exists;
	while (found) {
		next = dm_get_next_target(task, next, &start, &len, &type, &params);
		if (type)
			table_add(table, start, len, type, params);
		if (!next)
			break;
	}
	dm_task_destroy(task);
	return table->nr;
}

static bool tables_lead_alike(const struct table *one, const struct table *other)
{
	size_t i;

	for (i = 0; i < one->nr && i < other->nr; i++)
		if (one->targets[i].start_sectors != other->targets[i].start_sectors ||
		    one->targets[i].len_sectors != other->targets[i].len_sectors ||
		    strcmp(one->targets[i].params, other->targets[i].params))
			return false;
	return one->nr == other->nr;
}

static bool live_is_all(const struct volume *volume, const char *type)
{
	struct dm_info info;
	struct table table;
	bool is_all = read_table(volume, false, &table, &info) && table_is_all(&table, type);

	table_free(&table);
	return is_all;
}

bool is_converted(const struct volume *volume)
{
	return live_is_all(volume, TARGET_OURS);
}

bool is_convertible(const struct volume *volume)
{
	return live_is_all(volume, TARGET_LVMS);
}

static bool run_task(struct dm_task *task)
{
	bool done = dm_task_run(task);

	dm_task_destroy(task);
	return done;
}

/* Drop a table of ours that is loaded and not live: its maker was killed. */
void convert_tidy(const struct volume *volume)
{
	struct dm_info info;
	struct table table;

	if (read_table(volume, true, &table, &info) && table_is_all(&table, TARGET_OURS)) {
		note("%s: dropping what is left of a conversion that was cut short", volume->name);
		run_task(new_task(DM_DEVICE_CLEAR, volume));
	}
	table_free(&table);
}

/* Load the same table as a table of ours, and make it live, without any I/O in between. */
static bool swap(const struct volume *volume, const struct table *table, const struct dm_info *info)
{
	struct dm_task *load = new_task(DM_DEVICE_RELOAD, volume), *resume;
	size_t i;

	for (i = 0; i < table->nr; i++)
		dm_task_add_target(load, table->targets[i].start_sectors,
				   table->targets[i].len_sectors, TARGET_OURS,
				   table->targets[i].params);
	if (info->read_only)
		dm_task_set_ro(load);
	if (!run_task(load))
		return false;
	/*
	 * Nobody may wait for udev in a rule; and without a cookie, libdevmapper
	 * has udev drop the links to the device, unless it believes in no udev.
	 */
	dm_udev_set_sync_support(0);
	resume = new_task(DM_DEVICE_RESUME, volume);
	dm_task_skip_lockfs(resume);
	dm_task_no_flush(resume);
	return run_task(resume);
}

/**
 * convert - make the live table of a volume ours
 * @volume: The volume; no LVM command changes it meanwhile.
 *
 * A volume whose table is not LVM's plain "linear" stays as it is.
 *
 * Return: Whether it is converted now; if not, the user was told why.
 */
bool convert(const struct volume *volume)
{
	struct table table, after = { 0 };
	struct dm_info info = { 0 };
	bool converted;

	convert_tidy(volume);
	read_table(volume, false, &table, &info);
	if (table_is_all(&table, TARGET_OURS)) {
		table_free(&table);
		return true;
	}
	if (!table_is_all(&table, TARGET_LVMS) || info.suspended || info.inactive_table) {
		note("%s stays as it is: only what is live and linear can be converted",
		     volume->name);
		table_free(&table);
		return false;
	}
	hold_signals();
	converted = swap(volume, &table, &info);
	if (!converted) {
		note("%s stays as it is: %s", volume->name, dm_last_error());
		convert_tidy(volume);
	}
	let_signals();
	if (converted) {
		read_table(volume, false, &after, &info);
		converted = table_is_all(&after, TARGET_OURS) && tables_lead_alike(&table, &after);
		if (!converted)
			note("%s was changed by somebody else meanwhile", volume->name);
	}
	table_free(&table);
	table_free(&after);
	return converted;
}

/* The same, where nobody tidies up after us but whoever shares our lock. */
bool convert_guarded(const struct volume *volume)
{
	int ends[2];
	bool done;
	pid_t pid;
	char byte;

	if (pipe(ends))
		die(EXIT_FAILED, "no pipe could be made");
	pid = fork();
	if (pid < 0)
		die(EXIT_FAILED, "no process could be started");
	if (!pid) {
		hold_signals();
		/* Until the other end is closed, however that comes. */
		close(ends[1]);
		while (read(ends[0], &byte, 1) > 0)
			;
		convert_tidy(volume);
		_exit(EXIT_DONE);
	}
	done = convert(volume);
	close(ends[1]);
	close(ends[0]);
	waitpid(pid, NULL, 0);
	return done;
}
