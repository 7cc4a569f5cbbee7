/* SPDX-License-Identifier: GPL-2.0 */
/* A mounted XFS on a device, what is bad of it, and which blocks are whose. */
#ifndef SCENE_H
#define SCENE_H

#include "fs/mounts.h"
#include "fs/xfs.h"
#include "health/bad.h"
#include "health/owner.h"
#include "health/quarantined.h"
#include "repair/media.h"

struct scene {
	struct stack stack;
	const struct device *device;
	struct mount mount;
	struct xfs xfs;
	struct bads bads;
	struct owners owners;	/* of the bad ranges */
	struct quarantined quarantined;
	uint64_t *good;		/* blocks that were cleared since, by their places */
	size_t nr_good;
	int root;		/* the mount point */
	char *unknown;		/* why owners are not known, NULL if they are */
};

/* A block of a file that is bad. */
struct bad_block {
	uint64_t offset;	/* in the file */
	uint64_t place;		/* on the device */
};

void scene_read(struct scene *scene, const char *name);
bool scene_find_owners(const struct scene *scene, struct owners *owners, uint64_t place,
		       uint64_t len);
bool scene_is_quarantined(const struct scene *scene, const struct owner *owner);
bool scene_is_free(const struct owner *owner);
bool scene_media(const struct scene *scene, uint64_t place, struct media_range *range);
void scene_forget(struct scene *scene, uint64_t place);
size_t scene_blocks(const struct scene *scene, uint64_t inode, struct bad_block **blocks);

#endif
