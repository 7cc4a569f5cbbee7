// SPDX-License-Identifier: GPL-2.0
#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "util/alloc.h"
#include "health/record.h"
#include "sys/sysfs.h"

#define FOLDER	"/sys/class/dax-holder"

/* Read a number of a child; false if it has no such file. */
static bool read_value(const char *disk, const char *name, uint64_t *value)
{
	char *text = read_text(FOLDER "/%s/%s", disk, name);
	bool found = text;

	*value = found ? strtoull(text, NULL, 10) : 0;
	free(text);
	return found;
}

static void read_ranges(struct record *record)
{
	char *text = read_text(FOLDER "/%s/record", record->disk), *rest = text, *line;
	uintmax_t sector, sectors;

	while ((line = strsep(&rest, "\n"))) {
		if (sscanf(line, "%ju %ju", &sector, &sectors) != 2)
			continue;
		record->ranges = grow(record->ranges, record->nr_ranges, sizeof(*record->ranges));
		record->ranges[record->nr_ranges++] = (struct record_range){ sector, sectors };
	}
	free(text);
}

static void read_events(struct record *record)
{
	char *text = read_text(FOLDER "/%s/events", record->disk), *rest = text, *line;
	uintmax_t seq, time_ns, sector, sectors;
	struct record_event event;

	while ((line = strsep(&rest, "\n"))) {
		if (sscanf(line, "%ju %ju %ju %ju %15s %31s", &seq, &time_ns, &sector, &sectors,
			   event.result, event.flags) != 6)
			continue;
		event.seq = seq;
		event.time_ns = time_ns;
		event.sector = sector;
		event.sectors = sectors;
		record->events = grow(record->events, record->nr_events, sizeof(event));
		record->events[record->nr_events++] = event;
	}
	free(text);
}

/**
 * record_read - read what the kernel has recorded of a child
 * @record: The result; empty if there is no record.
 * @disk: The child, by the kernel's name.
 *
 * The kernel makes the text of its files a page at a time. So all of them are read again if the
 * record has changed meanwhile.
 *
 * Return: Whether there is a record. A module of an earlier version keeps none.
 */
bool record_read(struct record *record, const char *disk)
{
	uint64_t gone, seq;

	*record = (struct record){ 0 };
	snprintf(record->disk, sizeof(record->disk), "%s", disk);
	if (!read_value(disk, "seq", &record->seq))
		return false;
	for (;;) {
		read_value(disk, "failures", &record->failures);
		read_value(disk, "overflow", &record->overflow);
		read_value(disk, "gone", &gone);
		record->gone = gone;
		read_ranges(record);
		read_events(record);
		/* The module was unloaded if the file is not there any more. */
		if (!read_value(disk, "seq", &seq) || seq == record->seq)
			return true;
		record_free(record);
		record->seq = seq;
	}
}

/* Free the lists. The numbers stay. */
void record_free(struct record *record)
{
	free(record->ranges);
	free(record->events);
	record->ranges = NULL;
	record->events = NULL;
	record->nr_ranges = 0;
	record->nr_events = 0;
}

/* Whether an event has a flag, a whole word of its list. */
bool record_event_has(const struct record_event *event, const char *flag)
{
	size_t length = strlen(flag);
	const char *word = event->flags;

	for (;;) {
		if (!strncmp(word, flag, length) && (!word[length] || word[length] == ','))
			return true;
		word = strchr(word, ',');
		if (!word)
			return false;
		word++;
	}
}

/* The number of failures that have no event any more: newer ones took their places. */
uint64_t record_lost_events(const struct record *record)
{
	return record->failures > record->nr_events ? record->failures - record->nr_events : 0;
}

/* List the children that have a record. The caller frees the list and the names. */
size_t records_list(char ***disks)
{
	size_t nr = 0, i;
	glob_t found;

	*disks = NULL;
	if (glob(FOLDER "/*/seq", 0, NULL, &found))
		return 0;
	for (i = 0; i < found.gl_pathc; i++) {
		char *name = copy_text(found.gl_pathv[i] + strlen(FOLDER "/"));

		*strchr(name, '/') = '\0';
		*disks = grow(*disks, nr, sizeof(name));
		(*disks)[nr++] = name;
	}
	globfree(&found);
	return nr;
}

/* The number that a disk has, or had when it went away; false if it is not recorded. */
bool record_dev(const char *disk, dev_t *dev)
{
	char *text = read_text(FOLDER "/%s/dev", disk);
	bool found = text && device_number(text, dev);

	free(text);
	return found;
}

/* The name of the disk that has this number, or had it when it went away; NULL if not recorded. */
char *record_find(dev_t dev)
{
	char **disks, *found = NULL;
	size_t nr = records_list(&disks);
	dev_t number;

	while (nr--) {
		if (record_dev(disks[nr], &number) && number == dev && !found)
			found = copy_text(disks[nr]);
		free(disks[nr]);
	}
	free(disks);
	return found;
}

/* The name of a device; of a disk that is gone that in its record, or else major:minor. */
char *record_name(dev_t dev)
{
	char *name = block_exists(dev) ? NULL : record_find(dev);

	return name ?: block_name(dev);
}

/* The path of a device to show users, or the name of one that is gone. */
char *record_path(dev_t dev)
{
	return block_exists(dev) ? block_path(dev) : record_name(dev);
}
