// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "util/alloc.h"
#include "device/layout.h"
#include "sys/sysfs.h"
#include "util/size.h"

/* Append a range; one that goes on where the last one ends, in the same target, is joined to it. */
void layout_add(struct layout *layout, const struct segment *segment)
{
	struct segment *last = layout->nr ? &layout->segments[layout->nr - 1] : NULL;

	if (last && last->dev == segment->dev && last->target == segment->target &&
	    last->start_sectors + last->len_sectors == segment->start_sectors &&
	    last->offset_sectors + last->len_sectors == segment->offset_sectors) {
		last->len_sectors += segment->len_sectors;
		last->bridged = segment->bridged;
		return;
	}
	layout->segments = grow(layout->segments, layout->nr, sizeof(*segment));
	layout->segments[layout->nr++] = *segment;
}

/* Read one number off a line. */
static bool next_number(char **rest, uint64_t *number)
{
	char *word = strsep(rest, " "), *end;

	if (!word || !*word)
		return false;
	*number = strtoull(word, &end, 10);
	return !*end;
}

static bool next_device(char **rest, dev_t *dev)
{
	char *word = strsep(rest, " ");

	return word && device_number(word, dev);
}

/* The ranges of a line of ours; false if it is not as ours are. */
static bool read_ranges(struct layout *layout, struct segment segment, char *params)
{
	uint64_t nr, end = segment.start_sectors + segment.len_sectors;

	if (!next_number(&params, &nr))
		return false;
	while (nr--) {
		if (!next_device(&params, &segment.dev) ||
		    !next_number(&params, &segment.offset_sectors) ||
		    !next_number(&params, &segment.len_sectors) ||
		    segment.len_sectors > end - segment.start_sectors)
			return false;
		/* Over the end of a line no target sees what the kernel is about to touch. */
		segment.bridged = nr;
		layout_add(layout, &segment);
		segment.start_sectors += segment.len_sectors;
	}
	return segment.start_sectors == end;
}

/* "DEV OFFSET", as dm-linear has it and we do. */
static bool read_linear(struct layout *layout, struct segment segment, char *params)
{
	if (!next_device(&params, &segment.dev) ||
	    !next_number(&params, &segment.offset_sectors) || params)
		return false;
	layout_add(layout, &segment);
	return true;
}

static bool read_target(struct layout *layout, const struct target *target,
			const struct segment *segment)
{
	bool ours = !strcmp(target->type, TARGET_OURS), done;
	char *params;

	if (!ours && strcmp(target->type, "linear"))
		return false;
	params = copy_text(target->params);
	done = read_linear(layout, *segment, params);
	if (!done && ours) {
		strcpy(params, target->params);
		done = read_ranges(layout, *segment, params);
	}
	free(params);
	return done;
}

/* Add the ranges of a table. */
void layout_read(struct layout *layout, const struct table *table)
{
	size_t i;

	for (i = 0; i < table->nr; i++) {
		struct segment segment = {
			.start_sectors = table->targets[i].start_sectors,
			.len_sectors = table->targets[i].len_sectors,
			.target = i,
		};
		size_t before = layout->nr;

		if (!read_target(layout, &table->targets[i], &segment)) {
			layout->nr = before;
			layout_add(layout, &segment);
		}
	}
}

/* Add where a range of a mapped device lies in the devices at the bottom. */
static void flatten_segment(struct layout *leaves, const struct segment *segment,
			    const struct layout *(*layout_of)(dev_t dev, void *data), void *data,
			    unsigned int depth)
{
	const struct layout *below = NULL;
	uint64_t first = segment->offset_sectors, end = first + segment->len_sectors;
	size_t i;

	if (segment->dev && depth < DEPTH_MAX)
		below = layout_of(segment->dev, data);
	if (!below) {
		layout_add(leaves, segment);
		return;
	}
	for (i = 0; i < below->nr; i++) {
		struct segment part = below->segments[i];
		uint64_t part_end = part.start_sectors + part.len_sectors, cut;

		if (part.start_sectors >= end || part_end <= first)
			continue;
		/* Above, a range that ends inside one of below is what ends. */
		if (part_end >= end) {
			part.len_sectors -= part_end - end;
			part.bridged = segment->bridged;
		}
		if (part.start_sectors < first) {
			cut = first - part.start_sectors;
			part.start_sectors += cut;
			part.len_sectors -= cut;
			part.offset_sectors += cut;
		}
		part.start_sectors += segment->start_sectors - first;
		part.target = segment->target;
		flatten_segment(leaves, &part, layout_of, data, depth + 1);
	}
}

/**
 * layout_flatten - look through mapped devices on mapped devices
 * @leaves: What is added to: ranges of devices at the bottom, by the targets of the top.
 * @layout: The device at the top.
 * @layout_of: Returns the layout of a mapped device, NULL for any other.
 * @data: For @layout_of.
 */
void layout_flatten(struct layout *leaves, const struct layout *layout,
		    const struct layout *(*layout_of)(dev_t dev, void *data), void *data)
{
	size_t i;

	for (i = 0; i < layout->nr; i++)
		flatten_segment(leaves, &layout->segments[i], layout_of, data, 1);
}

/* The range that holds a sector, NULL if none does. */
const struct segment *layout_find(const struct layout *layout, uint64_t sector)
{
	size_t i;

	for (i = 0; i < layout->nr; i++)
		if (sector - layout->segments[i].start_sectors < layout->segments[i].len_sectors)
			return &layout->segments[i];
	return NULL;
}

/* Whether a range goes on at the bottom where it ends above: there is nothing to go wrong. */
static bool goes_on(const struct segment *this, const struct segment *next)
{
	return this->dev && this->dev == next->dev &&
	       this->offset_sectors + this->len_sectors == next->offset_sectors;
}

static size_t find_seams(const struct layout *leaves, uint64_t **bytes, bool only_open)
{
	size_t nr = 0, i;

	*bytes = NULL;
	for (i = 0; i < leaves->nr; i++) {
		const struct segment *this = &leaves->segments[i];
		bool last = i + 1 == leaves->nr;

		/* A target may end where its neighbour goes on with the same. */
		if ((!last && goes_on(this, this + 1)) || (only_open && (last || this->bridged)))
			continue;
		*bytes = grow(*bytes, nr, sizeof(**bytes));
		(*bytes)[nr++] = (this->start_sectors + this->len_sectors) * SECTOR;
	}
	return nr;
}

/**
 * layout_seams - where a device at the bottom ends and another goes on
 * @leaves: What layout_flatten() made.
 * @bytes: Where each seam is in the mapped device, its end being the last.
 *
 * Return: How many there are.
 */
size_t layout_seams(const struct layout *leaves, uint64_t **bytes)
{
	return find_seams(leaves, bytes, false);
}

/* The same, but those that no target bridges; the device's end is none. */
size_t layout_open_seams(const struct layout *leaves, uint64_t **bytes)
{
	return find_seams(leaves, bytes, true);
}

/* The first range of a target that maps in a way of its own, NULL if there is none. */
const struct segment *layout_unknown(const struct layout *layout)
{
	size_t i;

	for (i = 0; i < layout->nr; i++)
		if (!layout->segments[i].dev)
			return &layout->segments[i];
	return NULL;
}

void layout_free(struct layout *layout)
{
	free(layout->segments);
	*layout = (struct layout){ 0 };
}
