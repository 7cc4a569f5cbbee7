// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>
#include <sys/param.h>

#include "util/alloc.h"
#include "device/dm.h"
#include "device/extents.h"
#include "sys/sysfs.h"

static void add_part(struct extents *extents, const struct stack *stack, dev_t dev,
		     uint64_t start, uint64_t len, unsigned int depth);

/* A table may have thousands of ranges of one device, and sysfs is slow. */
static void add_disk(struct extents *extents, dev_t dev, uint64_t start, uint64_t len)
{
	static dev_t last, disk;
	static uint64_t disk_start;
	struct extent *extent;

	if (dev != last) {
		last = dev;
		disk = block_disk(dev);
		disk_start = block_start(dev);
	}
	extents->extents = grow(extents->extents, extents->nr, sizeof(*extent));
	extent = &extents->extents[extents->nr++];
	*extent = (struct extent){
		.disk = disk,
		.start_sectors = disk_start + start,
		.len_sectors = len,
	};
}

/* The rows of a "striped" target that a part of it touches; false if it is no such target. */
static bool add_stripes(struct extents *extents, const struct stack *stack,
			const struct target *target, uint64_t start, uint64_t len,
			unsigned int depth)
{
	unsigned int nr, chunk, i;
	uint64_t row, end, width;
	char name[32];
	uintmax_t offset;
	int at, next;
	dev_t dev;

	if (strcmp(target->type, "striped") ||
	    sscanf(target->params, "%u %u%n", &nr, &chunk, &at) != 2 || !nr || !chunk)
		return false;
	width = (uint64_t)nr * chunk;
	row = start / width;
	end = MIN((start + len + width - 1) / width * chunk, target->len_sectors / nr);
	for (i = 0; i < nr; i++) {
		if (sscanf(target->params + at, " %31s %ju%n", name, &offset, &next) != 2 ||
		    !device_number(name, &dev))
			return false;
		add_part(extents, stack, dev, offset + row * chunk, end - row * chunk,
			 depth + 1);
		at += next;
	}
	return true;
}

/* A target of which only libdevmapper's list of devices is known. */
static void add_unknown(struct extents *extents, const struct stack *stack, dev_t dev,
			unsigned int depth)
{
	dev_t *children;
	size_t nr = dm_children(dev, &children), i;

	for (i = 0; i < nr; i++) {
		if (!stack_find(stack, children[i]))
			add_disk(extents, children[i], 0, 0);
		else if (depth < DEPTH_MAX)
			add_unknown(extents, stack, children[i], depth + 1);
	}
	free(children);
}

static void add_part(struct extents *extents, const struct stack *stack, dev_t dev,
		     uint64_t start, uint64_t len, unsigned int depth)
{
	const struct device *device = stack_find(stack, dev);
	size_t i;

	if (!device) {
		add_disk(extents, dev, start, len);
		return;
	}
	for (i = 0; i < device->layout.nr && depth < DEPTH_MAX; i++) {
		const struct segment *segment = &device->layout.segments[i];
		const struct target *target = &device->table.targets[segment->target];
		uint64_t from = MAX(start, segment->start_sectors);
		uint64_t to = MIN(start + len, segment->start_sectors + segment->len_sectors);

		if (from >= to)
			continue;
		if (segment->dev)
			add_part(extents, stack, segment->dev,
				 segment->offset_sectors + from - segment->start_sectors,
				 to - from, depth + 1);
		else if (!add_stripes(extents, stack, target, from - target->start_sectors,
				      to - from, depth))
			add_unknown(extents, stack, dev, depth);
	}
}

static int by_place(const void *left, const void *right)
{
	const struct extent *a = left, *b = right;

	if (a->disk != b->disk)
		return a->disk < b->disk ? -1 : 1;
	return a->start_sectors < b->start_sectors ? -1 : a->start_sectors > b->start_sectors;
}

/* Find the extents of a mapped device, at the bottom of all that it stands on, in order. */
void extents_read(struct extents *extents, const struct stack *stack, dev_t dev)
{
	const struct device *device = stack_find(stack, dev);

	*extents = (struct extents){ 0 };
	if (device)
		add_part(extents, stack, dev, 0, table_end(&device->table), 0);
	if (extents->nr)
		qsort(extents->extents, extents->nr, sizeof(*extents->extents), by_place);
}

static bool overlap(const struct extent *a, const struct extent *b)
{
	return a->disk == b->disk && a->len_sectors && b->len_sectors &&
	       a->start_sectors < b->start_sectors + b->len_sectors &&
	       b->start_sectors < a->start_sectors + a->len_sectors;
}

/* The first extent of which others have a part; NULL if there is none. */
const struct extent *extents_overlap(const struct extents *extents, const struct extents *others)
{
	size_t i = 0, j = 0;

	while (i < extents->nr && j < others->nr) {
		const struct extent *a = &extents->extents[i], *b = &others->extents[j];

		if (overlap(a, b))
			return a;
		if (by_place(a, b) < 0)
			i++;
		else
			j++;
	}
	return NULL;
}

/* The first extent of which the device itself has a part a second time. */
const struct extent *extents_twice(const struct extents *extents)
{
	size_t i;

	for (i = 1; i < extents->nr; i++)
		if (overlap(&extents->extents[i - 1], &extents->extents[i]))
			return &extents->extents[i];
	return NULL;
}

void extents_free(struct extents *extents)
{
	free(extents->extents);
	*extents = (struct extents){ 0 };
}
