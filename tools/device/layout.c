// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "util/alloc.h"
#include "device/layout.h"
#include "sys/sysfs.h"
#include "util/size.h"

/* Append a range, or extend the last one if this continues it in the same target. */
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

/* The ranges of a daxlinear line; false if it cannot be parsed. */
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
		/* device-mapper cuts requests off at the end of a line. */
		segment.bridged = nr;
		layout_add(layout, &segment);
		segment.start_sectors += segment.len_sectors;
	}
	return segment.start_sectors == end;
}

/* "DEV OFFSET", the form that linear and daxlinear share. */
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

/**
 * layout_stripes - which parts of devices a range of a target "striped" lies in
 * @layout: What is added to, a segment for each stripe.
 * @target: The target.
 * @first: Where the range begins in the target, in sectors.
 * @len: Its length; what shares a row of chunks with its ends is taken in.
 *
 * Return: Whether the target is one.
 */
bool layout_stripes(struct layout *layout, const struct target *target, uint64_t first,
		    uint64_t len)
{
	uint64_t nr, chunk, row, from, to;
	struct segment stripe = { 0 };
	char *params, *rest;
	bool known;

	if (strcmp(target->type, "striped"))
		return false;
	params = copy_text(target->params);
	rest = params;
	known = next_number(&rest, &nr) && next_number(&rest, &chunk) && nr && chunk;
	row = known ? nr * chunk : 1;
	from = first / row;
	to = (first + len + row - 1) / row;
	while (known && nr--) {
		known = next_device(&rest, &stripe.dev) &&
			next_number(&rest, &stripe.offset_sectors);
		stripe.offset_sectors += from * chunk;
		stripe.len_sectors = (to - from) * chunk;
		if (known)
			layout_add(layout, &stripe);
	}
	free(params);
	return known;
}

/* Add the ranges of devices at the bottom that a range resolves to. */
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
		/* Where the range above ends first, its own neighbour counts. */
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
 * layout_flatten - resolve ranges to those of devices at the bottom
 * @leaves: Ranges are added here, with the target numbers of @layout.
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

/* Whether two ranges are adjacent on one device at the bottom: then the seam is harmless. */
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

		/* Two targets may map adjacent ranges of one device. */
		if ((!last && goes_on(this, this + 1)) || (only_open && (last || this->bridged)))
			continue;
		*bytes = grow(*bytes, nr, sizeof(**bytes));
		(*bytes)[nr++] = (this->start_sectors + this->len_sectors) * SECTOR;
	}
	return nr;
}

/**
 * layout_seams - find where one range at the bottom ends and another begins
 * @leaves: What layout_flatten() made.
 * @bytes: Set to the offset of each seam in the mapped device; the last is the device's end.
 *
 * Return: How many there are.
 */
size_t layout_seams(const struct layout *leaves, uint64_t **bytes)
{
	return find_seams(leaves, bytes, false);
}

/* The same for seams between lines only, and without the device's end. */
size_t layout_open_seams(const struct layout *leaves, uint64_t **bytes)
{
	return find_seams(leaves, bytes, true);
}

/* The first range whose mapping is not known, NULL if there is none. */
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
