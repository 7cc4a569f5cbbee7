// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "util/alloc.h"
#include "fs/mounts.h"
#include "show/picture.h"
#include "util/size.h"
#include "sys/sysfs.h"
#include "fs/xfs.h"

static struct strip *strip_of(struct picture *picture, dev_t dev)
{
	struct strip *strip;
	size_t i;

	for (i = 0; i < picture->nr; i++)
		if (picture->strips[i].dev == dev)
			return &picture->strips[i];
	picture->strips = grow(picture->strips, picture->nr, sizeof(*strip));
	strip = &picture->strips[picture->nr++];
	*strip = (struct strip){
		.dev = dev,
		.path = block_path(dev),
		.size_bytes = block_sectors(dev) * SECTOR,
	};
	return strip;
}

static void add_mark(struct strip *strip, enum mark_kind kind, uint64_t first, uint64_t len)
{
	struct mark mark = { .kind = kind, .first_bytes = first, .len_bytes = len };

	strip->marks = grow(strip->marks, strip->nr, sizeof(mark));
	strip->marks[strip->nr++] = mark;
	/* The kernel has no size of a child that is gone; the marks give a lower limit. */
	if (first + len > strip->size_bytes)
		strip->size_bytes = first + len;
}

static void add_used(struct picture *picture, const struct segment *leaf)
{
	struct strip *strip = strip_of(picture, leaf->dev);

	add_mark(strip, MARK_USED, leaf->offset_sectors * SECTOR, leaf->len_sectors * SECTOR);
	strip->used_bytes += leaf->len_sectors * SECTOR;
	if (strip->size_bytes > picture->widest_bytes)
		picture->widest_bytes = strip->size_bytes;
}

static void add_groups(struct picture *picture, const struct segment *leaf, uint64_t end_bytes)
{
	struct strip *strip = strip_of(picture, leaf->dev);
	uint64_t first = leaf->start_sectors * SECTOR, end = first + leaf->len_sectors * SECTOR;
	uint64_t at = first + (picture->group_bytes - first % picture->group_bytes) %
		      picture->group_bytes;

	if (end > end_bytes)
		end = end_bytes;
	for (; at < end; at += picture->group_bytes)
		add_mark(strip, MARK_GROUP, leaf->offset_sectors * SECTOR + at - first, 0);
}

/* Set the title: one line with the size, the mount and the allocation groups. */
static void make_title(struct picture *picture, const struct device *device, struct xfs *xfs)
{
	char *path = block_path(device->dev), size[SIZE_TEXT_LEN], group[SIZE_TEXT_LEN];
	struct mount mount = { 0 };
	char *where, *groups;

	mount_find(device->dev, &mount);
	if ((!mount.type || !strcmp(mount.type, "xfs")) && xfs_read(path, mount.folder, xfs))
		picture->group_bytes = xfs->ag_bytes;
	where = mount.type ? format_text(", %s on %s", mount.type, mount.folder) : copy_text("");
	groups = picture->group_bytes ?
		 format_text(", allocation groups of %s", size_text(xfs->ag_bytes, group)) :
		 copy_text("");
	picture->title = format_text("%s: %s%s%s", device->name,
				     size_text(table_end(&device->table) * SECTOR, size), where,
				     groups);
	free(where);
	free(groups);
	free(path);
}

/* Collect the strips and marks of a device. */
void picture_make(struct picture *picture, const struct stack *stack, const struct device *device)
{
	struct layout leaves = { 0 };
	struct bads bads = { 0 };
	struct xfs xfs = { 0 };
	size_t i;

	*picture = (struct picture){ 0 };
	make_title(picture, device, &xfs);
	stack_flatten(stack, &leaves, &device->layout);
	for (i = 0; i < leaves.nr; i++)
		if (leaves.segments[i].dev)
			add_used(picture, &leaves.segments[i]);
	for (i = 0; i < leaves.nr && picture->group_bytes; i++)
		if (leaves.segments[i].dev)
			add_groups(picture, &leaves.segments[i], xfs.size_bytes);
	bads_collect(&bads, stack, device);
	for (i = 0; i < bads.nr; i++)
		add_mark(strip_of(picture, bads.bads[i].dev), MARK_BAD, bads.bads[i].offset_bytes,
			 bads.bads[i].len_bytes);
	bads_free(&bads);
	layout_free(&leaves);
}
