// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "device/dm.h"
#include "repair/scene.h"
#include "sys/sysfs.h"
#include "util/alloc.h"
#include "util/say.h"
#include "util/size.h"

/* Read which XFS is mounted, as far as there is one. */
static void read_mount(struct scene *scene)
{
	char *path = block_path(scene->device->dev);

	if (!mount_find(scene->device->dev, &scene->mount)) {
		scene->unknown = copy_text(xfs_is_mounted(scene->device->dev) ?
					   "it is mounted where this process cannot see it" :
					   "it is not mounted");
	} else if (strcmp(scene->mount.type, "xfs")) {
		scene->unknown = format_text("%s can't be asked, only XFS", scene->mount.type);
	} else {
		scene->root = open(scene->mount.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (scene->root < 0 || !xfs_read(path, scene->mount.folder, &scene->xfs))
			scene->unknown = format_text("%s: %s", scene->mount.folder,
						     errno == EIO ? "XFS has shut down" :
						     strerror(errno));
	}
	free(path);
}

/* Find the owners of a range; false with errno. */
bool scene_find_owners(const struct scene *scene, struct owners *owners, uint64_t place,
		       uint64_t len)
{
	struct span span = { .start_bytes = place, .len_bytes = len };

	return owners_find(owners, scene->mount.folder,
			   place / scene->xfs.ag_bytes * scene->xfs.ag_bytes, &span, 1);
}

/* Read what is bad, and whose it is as far as that can be asked. */
void scene_read(struct scene *scene, const char *name)
{
	struct mapped mapped = dm_device(name);
	size_t i;

	*scene = (struct scene){ .root = -1 };
	stack_read(&scene->stack);
	scene->device = stack_find(&scene->stack, mapped.dev);
	if (!scene->device)
		die(EXIT_FAILED, "%s was removed just now", name);
	bads_collect(&scene->bads, &scene->stack, scene->device);
	read_mount(scene);
	if (scene->unknown)
		return;
	quarantined_read(&scene->quarantined, scene->root);
	for (i = 0; i < scene->bads.nr && !scene->unknown; i++) {
		const struct bad *bad = &scene->bads.bads[i];

		if (bad->known_by & BAD_GONE)
			continue;
		if (!scene_find_owners(scene, &scene->owners, bad->start_bytes, bad->len_bytes))
			scene->unknown = format_text("%s: %s", scene->mount.folder,
						     errno == EIO ? "XFS has shut down" :
						     strerror(errno));
	}
}

bool scene_is_quarantined(const struct scene *scene, const struct owner *owner)
{
	return quarantined_has(&scene->quarantined, owner);
}

bool scene_is_free(const struct owner *owner)
{
	return !owner->inode && !strcmp(owner->what, "free space");
}

/* A block is good now: XFS may hand it out again. */
void scene_forget(struct scene *scene, uint64_t place)
{
	scene->good = grow(scene->good, scene->nr_good, sizeof(*scene->good));
	scene->good[scene->nr_good++] = place;
}

/* Find the disk's sectors of a block; false if it is not bad. */
bool scene_media(const struct scene *scene, uint64_t place, struct media_range *range)
{
	uint64_t block = scene->xfs.block_bytes;
	size_t i;

	for (i = 0; i < scene->nr_good; i++)
		if (scene->good[i] == place)
			return false;
	for (i = 0; i < scene->bads.nr; i++) {
		const struct bad *bad = &scene->bads.bads[i];
		uint64_t at = bad->offset_bytes;
		char *disk;

		if (bad->start_bytes >= place + block ||
		    place >= bad->start_bytes + bad->len_bytes)
			continue;
		disk = block_name(block_disk(bad->dev));
		snprintf(range->disk, sizeof(range->disk), "%s", disk);
		free(disk);
		/* A block has one child: tables are aligned to pages. */
		range->sector = block_start(bad->dev) + (at + place - bad->start_bytes) / SECTOR;
		range->sectors = block / SECTOR;
		range->lost = !strcmp(bad_known_by(bad), "lost");
		return true;
	}
	return false;
}

static int by_offset(const void *left, const void *right)
{
	const struct bad_block *a = left, *b = right;

	return a->offset < b->offset ? -1 : a->offset > b->offset;
}

/* List the bad blocks of a file's contents by their offsets, each once.  The caller frees it. */
size_t scene_blocks(const struct scene *scene, uint64_t inode, struct bad_block **blocks)
{
	uint64_t block = scene->xfs.block_bytes, at;
	size_t nr = 0, kept = 0, i;

	*blocks = NULL;
	for (i = 0; i < scene->owners.nr; i++) {
		const struct owner *owner = &scene->owners.owners[i];
		uint64_t skip = owner->start_bytes % block;

		if (owner->inode != inode || !owner_is_data(owner))
			continue;
		for (at = 0; at < skip + owner->len_bytes; at += block) {
			*blocks = grow(*blocks, nr, sizeof(**blocks));
			(*blocks)[nr++] = (struct bad_block){
				.offset = owner->offset_bytes - skip + at,
				.place = owner->start_bytes - skip + at,
			};
		}
	}
	if (nr)
		qsort(*blocks, nr, sizeof(**blocks), by_offset);
	for (i = 0; i < nr; i++)
		if (!kept || (*blocks)[kept - 1].offset != (*blocks)[i].offset)
			(*blocks)[kept++] = (*blocks)[i];
	return kept;
}
