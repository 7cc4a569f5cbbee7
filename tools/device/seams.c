// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "util/alloc.h"
#include "device/dm.h"
#include "device/seams.h"
#include "util/size.h"

/* Find the topmost device in whose table a place is a seam. */
static void find_table(struct seams *seams, const struct stack *stack,
		       const struct device *device, uint64_t sector)
{
	const struct segment *segment = layout_find(&device->layout, sector);
	const struct device *below;

	if (!segment)
		return;
	seams->device = device;
	seams->type = device->table.targets[segment->target].type;
	sector -= segment->start_sectors;
	if (!seams->is_inside && sector + 1 == segment->len_sectors)
		return;
	below = stack_find(stack, segment->dev);
	if (below)
		find_table(seams, stack, below, segment->offset_sectors + sector);
}

/**
 * seams_find - find where copy-on-write crosses from one range into another unseen
 * @seams: What is found.
 * @stack: All devices.
 * @device: The one to look at.
 * @ag_bytes: The size of XFS's allocation groups, whose ends no file extent crosses; 0 if it is not
 *	known.
 * @end_bytes: Where the filesystem ends.
 */
void seams_find(struct seams *seams, const struct stack *stack, const struct device *device,
		uint64_t ag_bytes, uint64_t end_bytes)
{
	struct layout leaves = { 0 };
	const struct segment *unknown;
	uint64_t *bytes;
	size_t nr, i;

	*seams = (struct seams){ 0 };
	stack_flatten(stack, &leaves, &device->layout);
	nr = layout_open_seams(&leaves, &bytes);
	for (i = 0; i < nr; i++) {
		if (bytes[i] >= end_bytes || (ag_bytes && bytes[i] % ag_bytes == 0))
			continue;
		if (!seams->nr++)
			seams->first_bytes = bytes[i];
	}
	unknown = layout_unknown(&leaves);
	if (unknown && unknown->start_sectors * SECTOR < end_bytes) {
		seams->is_inside = true;
		seams->nr++;
		seams->first_bytes = unknown->start_sectors * SECTOR;
	}
	if (seams->nr)
		find_table(seams, stack, device, seams->first_bytes / SECTOR -
			   !seams->is_inside);
	free(bytes);
	layout_free(&leaves);
}

/* Describe the seams. */
char *seams_text(const struct seams *seams)
{
	char text[SIZE_TEXT_LEN], *more, *all;

	size_text(seams->first_bytes, text);
	if (seams->is_inside)
		return format_text("from %s on, %s lies in the pieces of a target \"%s\"", text,
				   seams->device->name, seams->type);
	more = seams->nr > 1 ? format_text(" and %zu more places", seams->nr - 1) : copy_text("");
	all = format_text("two pieces of %s meet at %s%s", seams->device->name, text, more);
	free(more);
	return all;
}

static bool has_others(const struct table *table)
{
	size_t i;

	for (i = 0; i < table->nr; i++)
		if (strcmp(table->targets[i].type, "linear") &&
		    strcmp(table->targets[i].type, TARGET_OURS))
			return true;
	return false;
}

/* The remedy: within one line, the target maps on into the next range. */
char *seams_way_out(const struct seams *seams)
{
	const struct device *device = seams->device;
	const char *name = device->name;
	struct mapped mapped;
	char *volume = NULL;

	if (has_others(&device->table))
		return copy_text("save what is on it and make the filesystem anew with -m reflink=0, as daxlinear mkfs does, or on a device of pieces that follow one another");
	if (dm_find_number(device->dev, &mapped))
		volume = dm_volume_name(&mapped);
	if (volume)
		return format_text("name it under \"convert\" in /etc/daxlinear/lvm.conf, and run daxlinear lvm reconcile %s",
				   volume);
	if (table_is_all(&device->table, TARGET_OURS))
		return format_text("daxlinear merge %s makes one line of its table, in use or not",
				   name);
	return format_text("replace the word \"linear\" by \"daxlinear\" in the table of %s, in use or not, and run daxlinear merge %s",
			   name, name);
}
