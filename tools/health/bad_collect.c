// SPDX-License-Identifier: GPL-2.0
/* Collect bad ranges: the drivers' badblocks, last failures, and children that are gone. */
#include <stdio.h>
#include <string.h>

#include "util/alloc.h"
#include "device/attach.h"
#include "health/bad.h"
#include "device/counters.h"
#include "device/dm.h"
#include "sys/pages.h"
#include "util/size.h"
#include "sys/sysfs.h"

/* Add the part of a disk's bad range, in sectors, that a range of the device maps. */
static void add_part(struct bads *bads, const struct segment *leaf, uint64_t first, uint64_t end,
		     unsigned int known_by)
{
	uint64_t from = block_start(leaf->dev) + leaf->offset_sectors;
	uint64_t to = from + leaf->len_sectors;
	struct bad bad = { .dev = leaf->dev, .known_by = known_by };

	if (first < from)
		first = from;
	if (end > to)
		end = to;
	if (first >= end)
		return;
	bad.start_bytes = (leaf->start_sectors + first - from) * SECTOR;
	bad.len_bytes = (end - first) * SECTOR;
	bad.offset_bytes = (leaf->offset_sectors + first - from) * SECTOR;
	bads_add(bads, &bad);
}

/* Add the badblocks of a child's disk. */
static void add_badblocks(struct bads *bads, const struct segment *leaf)
{
	char *disk = block_name(block_disk(leaf->dev));
	char *text = read_text("/sys/block/%s/badblocks", disk), *rest = text, *line;
	uintmax_t first, nr;

	while ((line = strsep(&rest, "\n")))
		if (sscanf(line, "%ju %ju", &first, &nr) == 2)
			add_part(bads, leaf, first, first + nr, BAD_MEDIA);
	free(text);
	free(disk);
}

static void add_gone(struct bads *bads, const struct segment *leaf)
{
	struct bad bad = {
		.start_bytes = leaf->start_sectors * SECTOR,
		.len_bytes = leaf->len_sectors * SECTOR,
		.dev = leaf->dev,
		.offset_bytes = leaf->offset_sectors * SECTOR,
		.known_by = BAD_GONE,
	};

	bads_add(bads, &bad);
}

/* Add the page of a last failure. @dev is its disk where the layout has none. */
static void add_failure(struct bads *bads, const struct layout *leaves,
			const struct counters *counters, dev_t dev)
{
	uint64_t page_sectors = page_bytes() / SECTOR;
	uint64_t first = counters->last_sector / page_sectors * page_sectors;
	const struct segment *leaf = layout_find(leaves, first);
	struct bad bad = {
		.start_bytes = first * SECTOR,
		.len_bytes = page_bytes(),
		.dev = dev,
		.offset_bytes = BAD_NOWHERE,
		.known_by = BAD_FAILED,
	};

	if (!leaf)
		return;
	if (!leaf->dev) {
		if (dev)
			bads_add(bads, &bad);
		return;
	}
	first += block_start(leaf->dev) + leaf->offset_sectors - leaf->start_sectors;
	add_part(bads, leaf, first, first + page_sectors, BAD_FAILED);
}

/* Add the last failure of each target of ours. */
static void add_failures(struct bads *bads, const struct device *device,
			 const struct layout *leaves)
{
	struct counters counters;
	struct table status;
	size_t i;

	if (!dm_status(device->name, &status))
		return;
	for (i = 0; i < status.nr; i++)
		if (!strcmp(status.targets[i].type, TARGET_OURS) &&
		    counters_read(&counters, status.targets[i].params) && counters.failed)
			add_failure(bads, leaves, &counters, 0);
	table_free(&status);
}

/* Add the last failure of each disk that the device is attached to. */
static void add_attached(struct bads *bads, const struct device *device,
			 const struct layout *leaves)
{
	struct attached *attached;
	size_t nr = attached_read(device->dev, &attached), i;

	for (i = 0; i < nr; i++)
		if (attached[i].counters.failed)
			add_failure(bads, leaves, &attached[i].counters, attached[i].dev);
	attached_free(attached, nr);
}

/* Add all recorded bad ranges of a device, sorted and joined. */
void bads_collect(struct bads *bads, const struct stack *stack, const struct device *device)
{
	struct layout leaves = { 0 };
	size_t i;

	stack_flatten(stack, &leaves, &device->layout);
	for (i = 0; i < leaves.nr; i++) {
		if (!leaves.segments[i].dev)
			continue;
		if (block_exists(leaves.segments[i].dev))
			add_badblocks(bads, &leaves.segments[i]);
		else
			add_gone(bads, &leaves.segments[i]);
	}
	add_failures(bads, device, &leaves);
	add_attached(bads, device, &leaves);
	bads_merge(bads);
	layout_free(&leaves);
}
