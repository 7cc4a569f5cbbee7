/* SPDX-License-Identifier: GPL-2.0 */
/* The ranges of a mapped device's table, in the device's order. */
#ifndef LAYOUT_H
#define LAYOUT_H

#include <stdbool.h>
#include <sys/types.h>

#include "device/table.h"

/* How deep devices may be stacked, which is also device-mapper's limit.  Ends a loop. */
#define DEPTH_MAX	16

/* A range, in sectors. @dev is 0 for a target of another type, whose mapping is not known. */
struct segment {
	uint64_t start_sectors;
	uint64_t len_sectors;
	dev_t dev;
	uint64_t offset_sectors;	/* on dev */
	unsigned int target;		/* of the table */
	bool bridged;			/* the next range is on the same line */
};

struct layout {
	struct segment *segments;
	size_t nr;
};

void layout_add(struct layout *layout, const struct segment *segment);
void layout_read(struct layout *layout, const struct table *table);
bool layout_stripes(struct layout *layout, const struct target *target, uint64_t first,
		    uint64_t len);
void layout_flatten(struct layout *leaves, const struct layout *layout,
		    const struct layout *(*layout_of)(dev_t dev, void *data), void *data);
const struct segment *layout_find(const struct layout *layout, uint64_t sector);
size_t layout_seams(const struct layout *leaves, uint64_t **bytes);
size_t layout_open_seams(const struct layout *leaves, uint64_t **bytes);
const struct segment *layout_unknown(const struct layout *layout);
void layout_free(struct layout *layout);

#endif
