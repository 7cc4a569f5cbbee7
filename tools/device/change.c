// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util/alloc.h"
#include "device/change.h"
#include "device/claim.h"
#include "device/counters.h"
#include "device/dm.h"
#include "device/fresh.h"
#include "device/lock.h"
#include "util/say.h"
#include "util/size.h"

/* Open the kernel's log at its end.  Return -1 if it cannot be read. */
static int kmsg_mark(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

/* Print what device-mapper has logged since kmsg_mark(). */
static void kmsg_print(int mark)
{
	char record[8192], *text;
	ssize_t length;

	/* A read returns one record: numbers, a semicolon, the message, a newline and more. */
	while (mark >= 0 && (length = read(mark, record, sizeof(record) - 1)) > 0) {
		record[length] = '\0';
		text = strchr(record, ';');
		if (!text)
			continue;
		text[strcspn(text, "\n")] = '\0';
		if (strstr(text, "device-mapper: table: ") || strstr(text, "daxlinear: "))
			note("the kernel log has: %s", text + 1);
	}
}

/* Exit because the kernel refused a change, with its reason. */
static void refused(const char *what, const char *name, int err, int mark)
{
	if (!dm_knows_target(TARGET_OURS))
		die(EXIT_FAILED, "the kernel has no target \"%s\": modprobe dm-daxlinear loads it, or prints the reason",
		    TARGET_OURS);
	kmsg_print(mark);
	die(EXIT_FAILED, "%s could not be %s: %s", name, what, strerror(-err));
}

/*
 * Take the lock to make a device.  A run that was killed may have left one of that name without
 * a live table, whose loaded table holds the children.
 */
void change_begin(const char *name)
{
	struct mapped mapped;

	lock_changes();
	fresh_tidy();
	if (!dm_find(name, &mapped))
		return;
	if (dm_is_lvms(&mapped))
		die(EXIT_FAILED, "there is a mapped device %s already, which LVM made: choose another name",
		    name);
	if (mapped.live || mapped.open_count ||
	    strncmp(mapped.uuid, UUID_PREFIX, strlen(UUID_PREFIX)))
		die(EXIT_FAILED, "there is a mapped device %s already: choose another name, or daxlinear remove it",
		    name);
	note("removing what is left of an attempt to make %s that was cut short", name);
	dm_remove(&mapped);
}

/* Make a device of a table, after change_begin().  The prefix is put before its UUID. */
void change_create(const char *name, const char *uuid, const struct table *table)
{
	char *prefixed = format_text("%s%s", UUID_PREFIX, uuid);
	int mark = kmsg_mark(), err;

	hold_signals();
	err = fresh_create(name, prefixed, table);
	let_signals();
	if (err == -EXDEV)
		die(EXIT_FAILED, "%s could not be made: the kernel gave %u new devices, one after the other, the memory of removed ones that promised synchronous faults (MAP_SYNC), which not all children have; try again, and if that does not help, reboot",
		    name, FRESH_ATTEMPTS);
	if (err)
		refused("made", name, err, mark);
	free(prefixed);
}

static void refuse_target(const struct mapped *mapped, const struct target *target)
{
	const char *name = mapped->name;

	if (strcmp(target->type, "linear"))
		die(EXIT_FAILED, "%s has a target \"%s\", which a daxlinear line cannot contain: save what is on it, and make it anew by daxlinear create",
		    name, target->type);
	die(EXIT_FAILED, "%s has a target \"linear\", which is left as it is; to change it: dmsetup table %s | sed 's/ linear / daxlinear /' | dmsetup load %s && dmsetup resume %s",
	    name, name, name, name);
}

/**
 * change_read - read a device as the one line that is to take the place of its table
 * @line: Set to the line.
 * @mapped: The device.  One that may not be changed is refused.
 *
 * Return: How many lines its table has.
 */
size_t change_read(struct line *line, const struct mapped *mapped)
{
	const struct target *target;
	struct table table;
	size_t nr;

	claim_refuse(mapped->dev, mapped->name);
	if (dm_is_lvms(mapped))
		die(EXIT_FAILED, "%s is a logical volume, whose tables LVM makes: lvextend makes it longer, and convert in /etc/daxlinear/lvm.conf with daxlinear lvm reconcile makes its table one line",
		    mapped->name);
	if (!dm_table(mapped->name, &table) || !table.nr)
		die(EXIT_FAILED, "%s has no table that could be changed", mapped->name);
	if (mapped->suspended)
		die(EXIT_FAILED, "%s is suspended: dmsetup resume %s first", mapped->name,
		    mapped->name);
	target = line_read(line, &table);
	if (target)
		refuse_target(mapped, target);
	nr = table.nr;
	table_free(&table);
	return nr;
}

/* Print the commands that do what change_table() does. */
void change_print(const struct mapped *mapped, const struct table *table)
{
	printf("dmsetup load %s%s <<END\n", mapped->read_only ? "--readonly " : "", mapped->name);
	table_write(table, stdout);
	printf("END\ndmsetup resume %s\n", mapped->name);
}

/* Counters belong to the place where a line starts: report those that end with their lines. */
static void note_ended(const struct table *status)
{
	struct counters counters;
	char text[SIZE_TEXT_LEN];
	size_t i;

	for (i = 1; i < status->nr; i++)
		if (counters_read(&counters, status->targets[i].params) && counters.failed)
			note("the line from %s on has ended, and its counters with it: %ju failures, the last one at 0x%jx",
			     size_text(status->targets[i].start_sectors * SECTOR, text),
			     (uintmax_t)counters.received,
			     (uintmax_t)(counters.last_sector * SECTOR));
}

/* Have the kernel look at a table for a device, which keeps its own.  Die if it refuses that. */
void change_try(const struct mapped *mapped, const struct table *table)
{
	int mark = kmsg_mark(), err;

	hold_signals();
	err = dm_load(mapped, table);
	if (!err)
		dm_clear(mapped->name);
	let_signals();
	if (err)
		refused("changed", mapped->name, err, mark);
}

/* Give a device a table of one line.  The caller has held the lock since change_read(). */
void change_table(const struct mapped *mapped, const struct table *table)
{
	int mark = kmsg_mark(), err;
	struct table status;

	dm_status(mapped->name, &status);
	hold_signals();
	err = dm_load(mapped, table);
	if (!err) {
		err = dm_resume(mapped->name);
		if (err)
			dm_clear(mapped->name);
	}
	let_signals();
	if (err)
		refused("changed", mapped->name, err, mark);
	note_ended(&status);
	table_free(&status);
}

/* Give a device another name, which is free.  The caller holds the lock. */
void change_name(const struct mapped *mapped, const char *name)
{
	int err;

	hold_signals();
	err = dm_rename(mapped->name, name);
	let_signals();
	if (err)
		die(EXIT_FAILED, "%s could not be renamed: %s", mapped->name, strerror(-err));
}

/* Remove a device.  The caller holds the lock. */
void change_remove(const struct mapped *mapped)
{
	int err;

	claim_refuse(mapped->dev, mapped->name);
	hold_signals();
	err = dm_remove(mapped);
	let_signals();
	if (err == -EBUSY)
		die(EXIT_FAILED, "%s is in use: unmount it and remove the devices on it first",
		    mapped->name);
	if (err)
		die(EXIT_FAILED, "%s could not be removed: %s", mapped->name, strerror(-err));
}
