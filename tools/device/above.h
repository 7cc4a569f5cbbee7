/* SPDX-License-Identifier: GPL-2.0 */
/* Where a mapped device maps a range of a disk that it stands on, at any depth. */
#ifndef ABOVE_H
#define ABOVE_H

#include "device/stack.h"

/* A device in a table, and where it is on its disk. */
struct above_child {
	dev_t dev;
	dev_t disk;
	uint64_t start_sectors;
};

struct above {
	const struct device *device;
	const struct device **floors;	/* the device, and all mapped devices that it stands on */
	size_t nr_floors;
	struct above_child *children;	/* of all floors, each once */
	size_t nr_children;
	const char *unknown;		/* a type of target whose mapping is not known, or NULL */
};

void above_begin(struct above *above, const struct stack *stack, const struct device *device);
size_t above_disks(const struct above *above, dev_t **disks);
void above_find(const struct above *above, dev_t disk, uint64_t first_sector, uint64_t nr_sectors,
		struct layout *parts);
void above_end(struct above *above);

#endif
