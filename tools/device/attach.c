// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "util/alloc.h"
#include "device/attach.h"
#include "device/dm.h"
#include "device/layout.h"
#include "util/say.h"
#include "sys/sysfs.h"

#define FOLDER	"/sys/class/dax-holder"

/* Whether the module dax_holder is loaded. */
bool attach_ready(void)
{
	return !access(FOLDER, F_OK);
}

/* End with a message unless it is loaded. */
void attach_begin(void)
{
	if (!attach_ready())
		die(EXIT_FAILED, "the kernel has no %s: modprobe dax_holder", FOLDER);
}

/* Write an order to dax_holder. Returns 0 or a negative errno. */
static int order(const char *verb, dev_t parent, dev_t child)
{
	char *path = format_text(FOLDER "/%s", verb);
	char *text = format_text("%u:%u %u:%u", major(parent), minor(parent), major(child),
				 minor(child));
	int fd = open(path, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		err = -errno;
	if (fd >= 0)
		close(fd);
	free(path);
	free(text);
	return err;
}

/* Find the folders of a device: one for each disk that it is attached to. */
static size_t find_folders(dev_t dev, glob_t *found)
{
	char *name = block_name(dev), *pattern = format_text(FOLDER "/*/%s", name);

	if (glob(pattern, GLOB_ONLYDIR, NULL, found))
		*found = (glob_t){ 0 };
	free(pattern);
	free(name);
	return found->gl_pathc;
}

/* The name of the disk that a folder belongs to. */
static char *child_name(const char *folder)
{
	char *name = copy_text(folder + strlen(FOLDER "/"));

	*strchr(name, '/') = '\0';
	return name;
}

static bool child_number(const char *name, dev_t *dev)
{
	char *text = read_text("/sys/block/%s/dev", name);
	bool found = text && device_number(text, dev);

	free(text);
	return found;
}

/* Report a failed order. A device that has gone by now needs none, which is no failure. */
static bool complain(const char *name, dev_t dev, dev_t child, int err)
{
	char *disk;

	if (!block_exists(dev) || !block_exists(child))
		return true;
	disk = block_name(child);
	if (err == -EBUSY)
		note("%s: %s has another holder: unmount the filesystem that is on it directly, or on a partition of it",
		     name, disk);
	else
		note("%s: %s: %s", name, disk, strerror(-err));
	free(disk);
	return false;
}

/* A set of disks. */
struct disks {
	dev_t *devs;
	size_t nr;
};

static bool disks_have(const struct disks *disks, dev_t dev)
{
	size_t i;

	for (i = 0; i < disks->nr; i++)
		if (disks->devs[i] == dev)
			return true;
	return false;
}

static void disks_add(struct disks *disks, dev_t dev)
{
	if (disks_have(disks, dev))
		return;
	disks->devs = grow(disks->devs, disks->nr, sizeof(dev));
	disks->devs[disks->nr++] = dev;
}

/* Add the disks of the direct children of a mapped device, if they have DAX. */
static void disks_below(struct disks *disks, dev_t dev)
{
	dev_t *children;
	size_t nr = dm_children(dev, &children), i;

	for (i = 0; i < nr; i++)
		if (block_has_dax(children[i]))
			disks_add(disks, block_disk(children[i]));
	free(children);
}

static void disks_free(struct disks *disks)
{
	free(disks->devs);
	*disks = (struct disks){ 0 };
}

/* Detach a device from all disks but these. */
static bool detach_except(dev_t dev, const char *name, const struct disks *disks)
{
	bool done = true;
	glob_t found;
	size_t nr = find_folders(dev, &found), i;

	for (i = 0; i < nr; i++) {
		char *disk = child_name(found.gl_pathv[i]);
		dev_t child;
		int err;

		/* A disk without a number has gone. dax_holder drops it with the next order. */
		if (child_number(disk, &child) && !disks_have(disks, child)) {
			err = order("detach", dev, child);
			if (err && err != -ENOENT)
				done &= complain(name, dev, child, err);
		}
		free(disk);
	}
	globfree(&found);
	return done;
}

/* Whether a device need not be attached: a disk, or all targets forward failures themselves. */
static bool forwards(dev_t dev)
{
	struct table table;
	bool all = !dm_table_number(dev, false, &table) || table_is_all(&table, TARGET_OURS);

	table_free(&table);
	return all;
}

/**
 * attach_floor - attach a mapped device to the disks and mapped devices directly below it
 * @dev: The device.  If all its targets are ours, it is left alone: they forward failures.
 * @name: The device's name in messages.
 *
 * The device is detached from what is no longer below it.  If one disk refuses, the others are
 * attached all the same.
 *
 * Return: Whether all orders succeeded; each that failed was reported.
 */
bool attach_floor(dev_t dev, const char *name)
{
	struct disks disks = { 0 };
	bool done = true;
	size_t i;
	int err;

	if (forwards(dev))
		return true;
	disks_below(&disks, dev);
	for (i = 0; i < disks.nr; i++) {
		err = order("attach", dev, disks.devs[i]);
		if (err && err != -EEXIST)
			done &= complain(name, dev, disks.devs[i], err);
	}
	done &= detach_except(dev, name, &disks);
	disks_free(&disks);
	return done;
}

/**
 * attach - attach a device and all mapped devices below it
 * @dev: The device.
 * @name: The device's name in messages.
 *
 * Each mapped device on the way down is attached to what is directly below it, because a failure
 * is forwarded from one floor to the next.
 *
 * Return: As attach_floor().
 */
bool attach(dev_t dev, const char *name)
{
	bool done = attach_floor(dev, name);
	struct disks below = { 0 };
	size_t i;

	disks_below(&below, dev);
	/* The loop adds to the list. */
	for (i = 0; i < below.nr; i++) {
		char *path = block_path(below.devs[i]);

		done &= attach_floor(below.devs[i], path);
		disks_below(&below, below.devs[i]);
		free(path);
	}
	disks_free(&below);
	return done;
}

/* Detach a device from all disks. Mapped devices below it stay attached. */
bool detach(dev_t dev, const char *name)
{
	return detach_except(dev, name, &(struct disks){ 0 });
}

/*
 * Make dax_holder drop devices that have gone.  Any order does that.  The numbers are those of a
 * device that exists: for another number the kernel would look for a module that makes it.
 */
void detach_dead(void)
{
	bool done = false;
	glob_t found;
	size_t i;

	if (glob(FOLDER "/*/*/", 0, NULL, &found))
		return;
	for (i = 0; i < found.gl_pathc && !done; i++) {
		char *disk = child_name(found.gl_pathv[i]);
		dev_t child;

		done = child_number(disk, &child);
		if (done)
			order("detach", child, child);
		free(disk);
	}
	globfree(&found);
}

bool is_attached(dev_t dev)
{
	glob_t found;
	size_t nr = find_folders(dev, &found);

	globfree(&found);
	return nr;
}

static uint64_t read_count(const char *folder, const char *name)
{
	char *text = read_text("%s/%s", folder, name);
	uint64_t count = text ? strtoull(text, NULL, 10) : 0;

	free(text);
	return count;
}

static void read_counters(const char *folder, struct counters *counters)
{
	char *last = read_text("%s/last_sector", folder);
	size_t i;

	*counters = (struct counters){ .failed = last && strcmp(last, "-") };
	for (i = 0; i < NR_COUNTERS; i++)
		*counter_value(counters, &counters_table[i]) =
			read_count(folder, counters_table[i].name);
	if (counters->failed)
		counters->last_sector = strtoull(last, NULL, 10);
	free(last);
}

/* Read which disks a device is attached to. The caller frees the list. */
size_t attached_read(dev_t dev, struct attached **attached)
{
	glob_t found;
	size_t nr = find_folders(dev, &found), i, kept = 0;

	*attached = NULL;
	for (i = 0; i < nr; i++) {
		const char *folder = found.gl_pathv[i];
		struct attached one = {
			.child = child_name(folder),
			.alive = read_count(folder, "alive"),
		};

		/* The disk exists, so the folder is of an earlier device of this name. */
		if (child_number(one.child, &one.dev) && !one.alive) {
			free(one.child);
			continue;
		}
		read_counters(folder, &one.counters);
		*attached = grow(*attached, kept, sizeof(one));
		(*attached)[kept++] = one;
	}
	globfree(&found);
	return kept;
}

void attached_free(struct attached *attached, size_t nr)
{
	while (nr)
		free(attached[--nr].child);
	free(attached);
}

/* Whether a device is attached to all that is directly below it. */
bool is_attached_to_all(dev_t dev)
{
	struct attached *attached;
	size_t nr = attached_read(dev, &attached), i;
	struct disks disks = { 0 }, to = { 0 };
	bool all = nr;

	for (i = 0; i < nr; i++)
		disks_add(&to, attached[i].dev);
	disks_below(&disks, dev);
	for (i = 0; i < disks.nr; i++)
		all &= disks_have(&to, disks.devs[i]);
	attached_free(attached, nr);
	disks_free(&disks);
	disks_free(&to);
	return all;
}

/* Whether a failure of any memory below a device is forwarded to it, on every floor. */
bool is_notified(dev_t dev)
{
	bool all = forwards(dev) || is_attached_to_all(dev);
	struct disks below = { 0 };
	size_t i;

	disks_below(&below, dev);
	/* The loop adds to the list. */
	for (i = 0; i < below.nr; i++) {
		all &= forwards(below.devs[i]) || is_attached_to_all(below.devs[i]);
		disks_below(&below, below.devs[i]);
	}
	disks_free(&below);
	return all;
}
