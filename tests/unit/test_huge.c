// SPDX-License-Identifier: GPL-2.0
/* Alignment to huge pages as the tool sees it, on kernels with pages of three sizes. */
#include "../../tools/device/huge.h"
#include "../../tools/sys/nd.h"
#include "../../tools/sys/sysfs.h"
#include "../../tools/util/size.h"
#include "pages.h"
#include "unit.h"

/* The disk of device 1 and where its memory begins; device 2 is on no known memory. */
static uint64_t phys_bytes;

bool nd_find(const char *disk, struct pmem *pmem)
{
	*pmem = (struct pmem){ .phys_bytes = phys_bytes };
	return *disk == 'p';
}

char *block_name(dev_t dev)
{
	char *name = malloc(2);

	name[0] = dev == 1 ? 'p' : 'x';
	name[1] = '\0';
	return name;
}

dev_t block_disk(dev_t dev)
{
	return dev;
}

/* It is a partition that starts a MiB into the disk. */
uint64_t block_start(dev_t dev)
{
	return dev * MIB / SECTOR;
}

void stack_flatten(const struct stack *stack, struct layout *out, const struct layout *in)
{
	(void)stack;
	*out = *in;
}

void layout_free(struct layout *layout)
{
	(void)layout;
}

static bool aligned(dev_t dev, uint64_t start_bytes, uint64_t offset_bytes)
{
	struct segment segment = {
		.start_sectors = start_bytes / SECTOR,
		.dev = dev,
		.offset_sectors = offset_bytes / SECTOR,
	};
	const struct layout layout = { .segments = &segment, .nr = 1 };

	CHECK(huge_leaves_aligned(&layout) == huge_is_aligned(&segment));
	CHECK(huge_all_aligned(NULL, &layout) == huge_is_aligned(&segment));
	return huge_is_aligned(&segment);
}

static void sizes(uint64_t page, uint64_t huge)
{
	uint64_t pad = huge - MIB;

	unit_page = page;
	unit_huge_page = huge;
	phys_bytes = 3 * huge;
	CHECK(huge_pad_sectors(1) == pad / SECTOR);
	CHECK(huge_pad_sectors(2) == 0);
	CHECK(aligned(1, 0, pad) && aligned(1, huge, pad) && aligned(1, 0, pad + 5 * huge));
	CHECK(!aligned(1, 0, 0) && !aligned(1, huge / 2, pad) && !aligned(1, huge, pad - page));
	CHECK(!aligned(1, huge + page, pad) && !aligned(1, 0, pad + huge / 2));
	CHECK(!aligned(2, 0, pad) && !aligned(0, 0, 0));
	phys_bytes = 3 * huge - MIB;
	CHECK(huge_pad_sectors(1) == 0 && aligned(1, huge, 0));
}

int main(void)
{
	sizes(4 * KIB, 2 * MIB);
	sizes(16 * KIB, 32 * MIB);
	sizes(64 * KIB, 512 * MIB);
	printf("huge: ranges are aligned to huge pages of 2, 32 and 512 MiB\n");
	return 0;
}
