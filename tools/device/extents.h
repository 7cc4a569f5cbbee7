/* SPDX-License-Identifier: GPL-2.0 */
/* Which parts of disks a mapped device uses, whatever the order in which its targets map them. */
#ifndef EXTENTS_H
#define EXTENTS_H

#include "device/stack.h"

struct extent {
	dev_t disk;
	uint64_t start_sectors;	/* on the disk */
	uint64_t len_sectors;	/* 0: an unknown part, which the target maps */
};

struct extents {
	struct extent *extents;
	size_t nr;
};

void extents_read(struct extents *extents, const struct stack *stack, dev_t dev);
const struct extent *extents_overlap(const struct extents *extents, const struct extents *others);
const struct extent *extents_twice(const struct extents *extents);
void extents_free(struct extents *extents);

#endif
