// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "device/dm.h"
#include "show/parts.h"
#include "util/alloc.h"

static void add_range(struct parts *parts, const struct stack *stack, const struct part *part,
		      unsigned int depth);

/* A range of a mapped device, in the devices that it stands on. */
static void add_below(struct parts *parts, const struct stack *stack, const struct device *device,
		      const struct part *range, unsigned int depth)
{
	uint64_t range_end = range->first_sectors + range->len_sectors, first, end;
	size_t i, j;

	for (i = 0; i < device->layout.nr; i++) {
		const struct segment *segment = &device->layout.segments[i];
		struct part part = { .dev = segment->dev, .striped = range->striped };
		struct layout stripes = { 0 };

		first = segment->start_sectors;
		end = first + segment->len_sectors;
		if (first < range->first_sectors)
			first = range->first_sectors;
		if (end > range_end)
			end = range_end;
		if (first >= end)
			continue;
		first -= segment->start_sectors;
		end -= segment->start_sectors;
		part.first_sectors = segment->offset_sectors + first;
		part.len_sectors = end - first;
		if (segment->dev)
			add_range(parts, stack, &part, depth);
		else
			layout_stripes(&stripes, &device->table.targets[segment->target], first,
				       end - first);
		for (j = 0; j < stripes.nr; j++) {
			part.dev = stripes.segments[j].dev;
			part.first_sectors = stripes.segments[j].offset_sectors;
			part.len_sectors = stripes.segments[j].len_sectors;
			part.striped = true;
			add_range(parts, stack, &part, depth);
		}
		layout_free(&stripes);
	}
}

static void add_range(struct parts *parts, const struct stack *stack, const struct part *part,
		      unsigned int depth)
{
	const struct device *device = stack_find(stack, part->dev);

	if (device && depth < DEPTH_MAX) {
		add_below(parts, stack, device, part, depth + 1);
		return;
	}
	parts->parts = grow(parts->parts, parts->nr, sizeof(*part));
	parts->parts[parts->nr++] = *part;
}

/* Add what a device uses. */
void parts_find(struct parts *parts, const struct stack *stack, const struct device *device)
{
	struct part all = { .len_sectors = table_end(&device->table) };

	add_below(parts, stack, device, &all, 1);
}

void parts_free(struct parts *parts)
{
	free(parts->parts);
	*parts = (struct parts){ 0 };
}

/* Whether a device stands on another, directly or not. */
bool is_above(const struct stack *stack, dev_t above, dev_t below)
{
	dev_t *children = NULL;
	size_t nr = stack_find(stack, above) ? dm_children(above, &children) : 0, i;
	bool is = false;

	for (i = 0; i < nr && !is; i++)
		is = children[i] == below || is_above(stack, children[i], below);
	free(children);
	return is;
}
