// SPDX-License-Identifier: GPL-2.0
#include "util/alloc.h"
#include "device/huge.h"
#include "sys/nd.h"
#include "sys/pages.h"
#include "util/size.h"
#include "sys/sysfs.h"

/* The physical address of the first sector of a device; false if it is not known. */
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

/* The offset, in sectors, of the first address in a device that is a multiple of a huge page. */
uint64_t huge_pad_sectors(dev_t dev)
{
	uint64_t phys;

	return huge_phys(dev, &phys) ? -phys % huge_page_bytes() / SECTOR : 0;
}

/* Whether a range is aligned to huge pages, both in the mapped device and physically. */
bool huge_is_aligned(const struct segment *leaf)
{
	uint64_t phys;

	return leaf->dev && huge_phys(leaf->dev, &phys) &&
	       leaf->start_sectors * SECTOR % huge_page_bytes() == 0 &&
	       (phys + leaf->offset_sectors * SECTOR) % huge_page_bytes() == 0;
}

bool huge_leaves_aligned(const struct layout *leaves)
{
	size_t i;

	for (i = 0; i < leaves->nr; i++)
		if (!huge_is_aligned(&leaves->segments[i]))
			return false;
	return true;
}

/* Whether all ranges are, down to the devices at the bottom. */
bool huge_all_aligned(const struct stack *stack, const struct layout *layout)
{
	struct layout leaves = { 0 };
	bool aligned;

	stack_flatten(stack, &leaves, layout);
	aligned = huge_leaves_aligned(&leaves);
	layout_free(&leaves);
	return aligned;
}
