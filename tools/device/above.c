// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include <sys/param.h>

#include "util/alloc.h"
#include "device/above.h"
#include "sys/sysfs.h"

static const struct above_child *child_of(const struct above *above, dev_t dev)
{
	size_t i;

	for (i = 0; i < above->nr_children; i++)
		if (above->children[i].dev == dev)
			return &above->children[i];
	return NULL;
}

/* A table may name a device thousands of times, and sysfs is slow. */
static void add_child(struct above *above, dev_t dev)
{
	if (child_of(above, dev))
		return;
	above->children = grow(above->children, above->nr_children, sizeof(*above->children));
	above->children[above->nr_children++] = (struct above_child){
		.dev = dev,
		.disk = block_disk(dev),
		.start_sectors = block_start(dev),
	};
}

/* The legs of a striped target that is a whole segment; false if it is of another type. */
static bool find_legs(struct layout *legs, const struct device *floor,
		      const struct segment *segment)
{
	const struct target *target = &floor->table.targets[segment->target];

	if (layout_stripes(legs, target, 0, target->len_sectors))
		return true;
	layout_free(legs);
	return false;
}

static void add_children(struct above *above, const struct device *floor)
{
	size_t i, j;

	for (i = 0; i < floor->layout.nr; i++) {
		const struct segment *segment = &floor->layout.segments[i];
		struct layout legs = { 0 };

		if (segment->dev)
			add_child(above, segment->dev);
		else if (!find_legs(&legs, floor, segment))
			above->unknown = floor->table.targets[segment->target].type;
		for (j = 0; j < legs.nr; j++)
			add_child(above, legs.segments[j].dev);
		layout_free(&legs);
	}
}

/* Read what above_find() needs. The stack must stay as it is until above_end(). */
void above_begin(struct above *above, const struct stack *stack, const struct device *device)
{
	size_t i;

	*above = (struct above){ .device = device };
	above->nr_floors = stack_floors(stack, device, &above->floors);
	for (i = 0; i < above->nr_floors; i++)
		add_children(above, above->floors[i]);
}

void above_end(struct above *above)
{
	free(above->floors);
	free(above->children);
	*above = (struct above){ 0 };
}

static bool is_floor(const struct above *above, dev_t dev)
{
	size_t i;

	for (i = 0; i < above->nr_floors; i++)
		if (above->floors[i]->dev == dev)
			return true;
	return false;
}

/* List the disks at the bottom, each once. The caller frees the list. */
size_t above_disks(const struct above *above, dev_t **disks)
{
	size_t nr = 0, i, j;

	*disks = NULL;
	for (i = 0; i < above->nr_children; i++) {
		dev_t disk = above->children[i].disk;

		for (j = 0; j < nr && (*disks)[j] != disk; j++)
			;
		if (j < nr || is_floor(above, disk))
			continue;
		*disks = grow(*disks, nr, sizeof(disk));
		(*disks)[nr++] = disk;
	}
	return nr;
}

/*
 * A range on its way up: start_sectors is where it begins on the disk or floor that it has come to,
 * dev and offset_sectors where it begins at the bottom. dev is 0 before the first step.
 */
static void climb(const struct above *above, dev_t disk, const struct segment *range,
		  unsigned int depth, struct layout *parts);

/* The part of a range that a segment has, as a range of the floor; false if there is none. */
static bool cut(const struct above *above, dev_t disk, const struct segment *range,
		const struct segment *segment, struct segment *part)
{
	const struct above_child *child = child_of(above, segment->dev);
	uint64_t start, first, end;

	if (!child || child->disk != disk)
		return false;
	start = child->start_sectors + segment->offset_sectors;
	first = MAX(range->start_sectors, start);
	end = MIN(range->start_sectors + range->len_sectors, start + segment->len_sectors);
	if (first >= end)
		return false;
	*part = (struct segment){
		.start_sectors = segment->start_sectors + first - start,
		.len_sectors = end - first,
		.dev = range->dev ?: segment->dev,
		.offset_sectors = range->dev ?
			range->offset_sectors + first - range->start_sectors :
			segment->offset_sectors + first - start,
		.target = segment->target,
	};
	return true;
}

static void add_part(const struct above *above, const struct device *floor,
		     const struct segment *part, unsigned int depth, struct layout *parts)
{
	if (floor == above->device)
		layout_add(parts, part);
	else if (depth < DEPTH_MAX)
		climb(above, floor->dev, part, depth + 1, parts);
}

/* Add the chunks of a striped target that a part of one of its legs has. */
static void add_chunks(const struct above *above, const struct device *floor,
		       const struct segment *segment, uint64_t leg, const struct segment *part,
		       unsigned int depth, struct layout *parts)
{
	const struct target *target = &floor->table.targets[segment->target];
	uint64_t at = part->start_sectors, end = at + part->len_sectors, len, start;
	uintmax_t nr, chunk;

	if (sscanf(target->params, "%ju %ju", &nr, &chunk) != 2)
		return;
	for (; at < end; at += len) {
		struct segment piece = *part;

		len = MIN(end - at, chunk - at % chunk);
		start = (at / chunk * nr + leg) * chunk + at % chunk;
		/* The last row may be cut off. */
		if (start >= target->len_sectors)
			return;
		piece.start_sectors = segment->start_sectors + start;
		piece.len_sectors = MIN(len, target->len_sectors - start);
		piece.offset_sectors += at - part->start_sectors;
		piece.target = segment->target;
		add_part(above, floor, &piece, depth, parts);
	}
}

static void add_stripes(const struct above *above, dev_t disk, const struct segment *range,
			const struct device *floor, const struct segment *segment,
			unsigned int depth, struct layout *parts)
{
	struct layout legs = { 0 };
	struct segment part;
	size_t i;

	if (!find_legs(&legs, floor, segment))
		return;
	for (i = 0; i < legs.nr; i++) {
		if (!cut(above, disk, range, &legs.segments[i], &part))
			continue;
		if (part.len_sectors < legs.segments[i].len_sectors) {
			add_chunks(above, floor, segment, i, &part, depth, parts);
			continue;
		}
		/* Of a whole leg, all of the target is affected: do not list its chunks. */
		part.start_sectors = segment->start_sectors;
		part.len_sectors = segment->len_sectors;
		part.target = segment->target;
		add_part(above, floor, &part, depth, parts);
	}
	layout_free(&legs);
}

static void climb(const struct above *above, dev_t disk, const struct segment *range,
		  unsigned int depth, struct layout *parts)
{
	struct segment part;
	size_t i, j;

	for (i = 0; i < above->nr_floors; i++) {
		const struct device *floor = above->floors[i];

		for (j = 0; j < floor->layout.nr; j++) {
			const struct segment *segment = &floor->layout.segments[j];

			if (!segment->dev)
				add_stripes(above, disk, range, floor, segment, depth, parts);
			else if (cut(above, disk, range, segment, &part))
				add_part(above, floor, &part, depth, parts);
		}
	}
}

/**
 * above_find - find where the device maps a range of a disk
 * @above: The device.
 * @disk: The disk; not a partition.
 * @first_sector: Where the range begins on the disk.
 * @nr_sectors: Its length.
 * @parts: What is found is added: start_sectors in the device, dev and offset_sectors on what the
 *	lowest table names, the disk or a partition of it. All of a striped target is added, as one
 *	part, if the range has a whole leg of it.
 */
void above_find(const struct above *above, dev_t disk, uint64_t first_sector, uint64_t nr_sectors,
		struct layout *parts)
{
	struct segment range = { .start_sectors = first_sector, .len_sectors = nr_sectors };

	climb(above, disk, &range, 1, parts);
}
