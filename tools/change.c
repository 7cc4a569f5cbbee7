// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include "alloc.h"
#include "change.h"
#include "dm.h"
#include "kmsg.h"
#include "lock.h"
#include "say.h"
#include "sysfs.h"

/* End, because the kernel would not have it. */
static void refused(const char *what, const char *name, int err, int mark)
{
	if (!dm_knows_target(TARGET_OURS))
		die(EXIT_FAILED, "the kernel has no target \"%s\": modprobe dm-daxlinear says why not",
		    TARGET_OURS);
	kmsg_tell(mark);
	die(EXIT_FAILED, "%s could not be %s: %s", name, what, strerror(-err));
}

/*
 * Take the lock, to make a device.  What is left of a daxlinear that was killed
 * while it made one has no live table, but may have one that holds the children.
 */
void change_begin(const char *name)
{
	struct mapped mapped;

	lock_changes();
	if (!dm_find(name, &mapped))
		return;
	if (mapped.live || mapped.open_count ||
	    strncmp(mapped.uuid, UUID_PREFIX, strlen(UUID_PREFIX)))
		die(EXIT_FAILED, "there is a mapped device %s already: choose another name, or daxlinear remove it",
		    name);
	note("removing what is left of an attempt to make %s that was cut short", name);
	dm_remove(&mapped);
}

/* Make a device of this table, after change_begin(). */
void change_create(const char *name, const struct table *table)
{
	char *random = read_text("/proc/sys/kernel/random/uuid"), *uuid;
	int mark = kmsg_mark(), err;

	uuid = format_text("%s%s", UUID_PREFIX, random ? random : name);
	hold_signals();
	err = dm_create(name, uuid, table);
	let_signals();
	if (err)
		refused("made", name, err, mark);
	free(uuid);
	free(random);
}

/* Give a device another table; the caller has had the lock since it read the one before. */
void change_table(const char *name, const struct table *table)
{
	int mark = kmsg_mark(), err;

	hold_signals();
	err = dm_load(name, table);
	if (!err) {
		err = dm_resume(name);
		if (err)
			dm_clear(name);
	}
	let_signals();
	if (err)
		refused("changed", name, err, mark);
}

/* Remove a device; the caller has the lock. */
void change_remove(const struct mapped *mapped)
{
	int err;

	hold_signals();
	err = dm_remove(mapped);
	let_signals();
	if (err == -EBUSY)
		die(EXIT_FAILED, "%s is in use: unmount it, and remove what stands on it, first",
		    mapped->name);
	if (err)
		die(EXIT_FAILED, "%s could not be removed: %s", mapped->name, strerror(-err));
}
