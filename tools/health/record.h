/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's record of a child's failures: /sys/class/dax-holder/DISK. */
#ifndef RECORD_H
#define RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct record_range {
	uint64_t sector;	/* of the disk */
	uint64_t sectors;
};

/* A failure as it arrived. */
struct record_event {
	uint64_t seq;
	uint64_t time_ns;	/* since 1970 */
	uint64_t sector;
	uint64_t sectors;	/* 0 if the whole child went away */
	char result[16];	/* pending, handled, generic, unused or a negative errno */
	char flags[32];		/* words with commas between, or "-" */
};

struct record {
	char disk[32];		/* the kernel's name; a ~ is in the name of memory that lost it */
	uint64_t seq;		/* of the last change */
	uint64_t failures;	/* received */
	uint64_t overflow;	/* failures whose range is not in the record whole */
	bool gone;
	struct record_range *ranges;	/* what is bad, ascending */
	size_t nr_ranges;
	struct record_event *events;	/* the last ones, the oldest first */
	size_t nr_events;
};

bool record_read(struct record *record, const char *disk);
bool record_dev(const char *disk, dev_t *dev);
char *record_find(dev_t dev);
char *record_name(dev_t dev);
char *record_path(dev_t dev);
void record_free(struct record *record);
bool record_event_has(const struct record_event *event, const char *flag);
uint64_t record_lost_events(const struct record *record);
size_t records_list(char ***disks);

#endif
