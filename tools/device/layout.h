/* SPDX-License-Identifier: GPL-2.0 */
/* Which part of a mapped device lies where: the ranges of its table, in the device's order. */
#ifndef LAYOUT_H
#define LAYOUT_H

#include <stdbool.h>
#include <sys/types.h>

#include "device/table.h"

/* How far devices may be stacked before it is a loop; device-mapper allows no more either. */
#define DEPTH_MAX	16

/*
 * A range, in sectors. @dev is 0 for a target that maps in a way of its own: what is there is not
 * known.
 */
struct segment {
	uint64_t start_sectors;
	uint64_t len_sectors;
	dev_t dev;
	uint64_t offset_sectors;	/* on dev */
	unsigned int target;		/* of the table */
	bool bridged;			/* the target goes on with the next range over its end */
};

struct layout {
	struct segment *segments;
	size_t nr;
};

void layout_add(struct layout *layout, const struct segment *segment);
void layout_read(struct layout *layout, const struct table *table);
void layout_flatten(struct layout *leaves, const struct layout *layout,
		    const struct layout *(*layout_of)(dev_t dev, void *data), void *data);
const struct segment *layout_find(const struct layout *layout, uint64_t sector);
size_t layout_seams(const struct layout *leaves, uint64_t **bytes);
size_t layout_open_seams(const struct layout *leaves, uint64_t **bytes);
const struct segment *layout_unknown(const struct layout *layout);
void layout_free(struct layout *layout);

#endif
