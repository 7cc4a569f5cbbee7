// SPDX-License-Identifier: GPL-2.0
#include "util/alloc.h"
#include "device/huge.h"
#include "sys/nd.h"
#include "util/size.h"
#include "sys/sysfs.h"

/* Where the first sector of a device is in memory; false if that is not known. */
bool huge_phys(dev_t dev, uint64_t *bytes)
{
	char *disk = block_name(block_disk(dev));
	struct pmem pmem;
	bool found = nd_find(disk, &pmem) && pmem.phys_bytes != UINT64_MAX;

	free(disk);
	if (found)
		*bytes = pmem.phys_bytes + block_start(dev) * SECTOR;
	return found;
}

/* How far into a device its first 2 MiB in memory begin. */
uint64_t huge_pad_sectors(dev_t dev)
{
	uint64_t phys;

	return huge_phys(dev, &phys) ? -phys % HUGE_PAGE / SECTOR : 0;
}

/* A range starts on 2 MiB where it is mapped, and in memory. */
bool huge_is_aligned(const struct segment *leaf)
{
	uint64_t phys;

	return leaf->dev && huge_phys(leaf->dev, &phys) &&
	       leaf->start_sectors * SECTOR % HUGE_PAGE == 0 &&
	       (phys + leaf->offset_sectors * SECTOR) % HUGE_PAGE == 0;
}

bool huge_leaves_aligned(const struct layout *leaves)
{
	size_t i;

	for (i = 0; i < leaves->nr; i++)
		if (!huge_is_aligned(&leaves->segments[i]))
			return false;
	return true;
}

/* All ranges do, at the bottom of what they lie on. */
bool huge_all_aligned(const struct stack *stack, const struct layout *layout)
{
	struct layout leaves = { 0 };
	bool aligned;

	stack_flatten(stack, &leaves, layout);
	aligned = huge_leaves_aligned(&leaves);
	layout_free(&leaves);
	return aligned;
}
