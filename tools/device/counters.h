/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The status line of a daxlinear target, see Documentation/daxlinear.rst.  An attached device has
 * the counts of failures, and the last one, as files in sysfs.
 */
#ifndef COUNTERS_H
#define COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct counters {
	uint64_t ranges;
	uint64_t alive;
	uint64_t gone;
	uint64_t received;
	uint64_t forwarded;
	uint64_t handled;
	uint64_t generic;
	bool failed;			/* there is a last failure */
	uint64_t last_sector;		/* of the mapped device */
	bool loses_pmd;			/* there is a range that loses huge pages, */
	uint64_t lost_pmd;		/* of which this is the first */
};

/**
 * struct counter - a count of failures
 * @name: The file in sysfs, the key in JSON and the head of the column.
 * @field: Which field of the status line it is, from 0.
 * @offset: Where struct counters has it.
 * @what: What it counts.
 *
 * All that reads or prints counts goes through the table of them, counters_table.
 */
struct counter {
	const char *name;
	unsigned int field;
	size_t offset;
	const char *what;
};

/* The columns of counts, a letter a counter; see struct columns. */
#define COUNTERS_ALIGN	"rrrr"
#define NR_COUNTERS	(sizeof(COUNTERS_ALIGN) - 1)

extern const struct counter counters_table[NR_COUNTERS];

bool counters_read(struct counters *counters, const char *params);
uint64_t *counter_value(struct counters *counters, const struct counter *counter);
char *counters_row(const struct counters *counters);

#endif
