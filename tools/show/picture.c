// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/alloc.h"
#include "fs/mounts.h"
#include "show/parts.h"
#include "member/disks.h"
#include "show/picture.h"
#include "util/size.h"
#include "sys/sysfs.h"
#include "fs/xfs.h"

bool picture_has(const struct picture *picture, enum mark_kind kind)
{
	size_t i, j;

	for (i = 0; i < picture->nr; i++)
		for (j = 0; j < picture->strips[i].nr; j++)
			if (picture->strips[i].marks[j].kind == kind)
				return true;
	return false;
}

/* The strip of a child, NULL if there is none. */
static struct strip *strip_find(const struct picture *picture, dev_t dev)
{
	size_t i;

	for (i = 0; i < picture->nr; i++)
		if (picture->strips[i].dev == dev)
			return &picture->strips[i];
	return NULL;
}

static struct strip *strip_of(struct picture *picture, dev_t dev)
{
	struct strip *strip = strip_find(picture, dev);

	if (strip)
		return strip;
	picture->strips = grow(picture->strips, picture->nr, sizeof(*strip));
	strip = &picture->strips[picture->nr++];
	*strip = (struct strip){
		.dev = dev,
		.path = block_path(dev),
		.size_bytes = block_sectors(dev) * SECTOR,
	};
	return strip;
}

void strip_mark(struct strip *strip, enum mark_kind kind, uint64_t first, uint64_t len)
{
	struct mark mark = { .kind = kind, .first_bytes = first, .len_bytes = len };

	strip->marks = grow(strip->marks, strip->nr, sizeof(mark));
	strip->marks[strip->nr++] = mark;
	/* The kernel has no size of a child that is gone; the marks give a lower limit. */
	if (first + len > strip->size_bytes)
		strip->size_bytes = first + len;
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
		strip_mark(strip, MARK_GROUP, leaf->offset_sectors * SECTOR + at - first, 0);
}

/* How many members a device has, "" if it was made without labels. */
static char *members_text(const struct device *device)
{
	const struct set *set;
	struct machine machine;
	char *text;

	machine_read(&machine);
	set = set_of_layout(&machine, &device->layout);
	text = set ? format_text(", %zu members", set->nr) : copy_text("");
	machine_free(&machine);
	return text;
}

/* Set the title: one line with the size, the members, the mount and the allocation groups. */
static void make_title(struct picture *picture, const struct device *device, struct xfs *xfs)
{
	char *path = block_path(device->dev), size[SIZE_TEXT_LEN], group[SIZE_TEXT_LEN];
	struct mount mount = { 0 };
	char *members = members_text(device), *where, *groups;

	mount_find(device->dev, &mount);
	if ((!mount.type || !strcmp(mount.type, "xfs")) && xfs_read(path, mount.folder, xfs))
		picture->group_bytes = xfs->ag_bytes;
	where = mount.type ? format_text(", %s on %s", mount.type, mount.folder) : copy_text("");
	groups = picture->group_bytes ?
		 format_text(", allocation groups of %s", size_text(xfs->ag_bytes, group)) :
		 copy_text("");
	picture->title = format_text("%s: %s%s%s%s", device->name,
				     size_text(table_end(&device->table) * SECTOR, size), members,
				     where, groups);
	free(members);
	free(where);
	free(groups);
	free(path);
}

/* The strips first: what is used is drawn over what others use. */
static void add_used(struct picture *picture, const struct stack *stack,
		     const struct device *device)
{
	struct parts parts = { 0 };
	size_t i;

	parts_find(&parts, stack, device);
	for (i = 0; i < parts.nr; i++)
		strip_of(picture, parts.parts[i].dev);
	picture_add_others(picture, stack, device);
	for (i = 0; i < parts.nr; i++) {
		const struct part *part = &parts.parts[i];

		strip_mark(strip_of(picture, part->dev),
			   part->striped ? MARK_STRIPED : MARK_USED,
			   part->first_sectors * SECTOR, part->len_sectors * SECTOR);
	}
	parts_free(&parts);
}

static void add_bads(struct picture *picture, const struct stack *stack,
		     const struct device *device)
{
	struct bads bads = { 0 };
	size_t i;

	bads_collect(&bads, stack, device);
	/* Of a disk that is gone, sysfs has only the number. */
	for (i = 0; i < bads.nr_children; i++) {
		const struct bad_child *child = &bads.children[i];

		if (child->gone) {
			struct strip *strip = strip_of(picture, child->dev);

			free(strip->path);
			strip->path = format_text("%s (gone)", child->name);
		}
	}
	for (i = 0; i < bads.nr; i++)
		strip_mark(strip_of(picture, bads.bads[i].dev), MARK_BAD,
			   bads.bads[i].offset_bytes, bads.bads[i].len_bytes);
	bads_free(&bads);
}

static int by_start(const void *a, const void *b)
{
	const struct mark *one = a, *other = b;

	return (one->first_bytes > other->first_bytes) - (one->first_bytes < other->first_bytes);
}

/* Add the text of a strip.  Devices may share space, which is used once. */
static void make_text(const struct picture *picture, struct strip *strip)
{
	uint64_t used = 0, unused = strip->size_bytes, end = 0, first;
	char text[2][SIZE_TEXT_LEN];
	struct mark *marks = NULL;
	size_t nr = 0, i;

	for (i = 0; i < strip->nr; i++) {
		const struct mark *mark = &strip->marks[i];

		if (mark->kind == MARK_USED || mark->kind == MARK_STRIPED)
			used += mark->len_bytes;
		else if (mark->kind != MARK_OTHER)
			continue;
		marks = grow(marks, nr, sizeof(*marks));
		marks[nr++] = *mark;
	}
	if (nr)
		qsort(marks, nr, sizeof(*marks), by_start);
	for (i = 0; i < nr; i++) {
		first = marks[i].first_bytes > end ? marks[i].first_bytes : end;
		if (marks[i].first_bytes + marks[i].len_bytes <= end)
			continue;
		end = marks[i].first_bytes + marks[i].len_bytes;
		unused -= end - first;
	}
	free(marks);
	strip->text = format_text("%s%s, %s %s", size_text(used, text[0]), strip->others ?: "",
				  size_text(unused, text[1]), picture->unused);
}

/* Collect the strips and marks of a device. */
void picture_make(struct picture *picture, const struct stack *stack, const struct device *device)
{
	struct layout leaves = { 0 };
	struct xfs xfs = { 0 };
	size_t i;

	*picture = (struct picture){ 0 };
	make_title(picture, device, &xfs);
	add_used(picture, stack, device);
	stack_flatten(stack, &leaves, &device->layout);
	for (i = 0; i < leaves.nr && picture->group_bytes; i++)
		if (leaves.segments[i].dev)
			add_groups(picture, &leaves.segments[i], xfs.size_bytes);
	add_bads(picture, stack, device);
	for (i = 0; i < picture->nr; i++) {
		if (picture->strips[i].size_bytes > picture->widest_bytes)
			picture->widest_bytes = picture->strips[i].size_bytes;
		make_text(picture, &picture->strips[i]);
	}
	layout_free(&leaves);
}
