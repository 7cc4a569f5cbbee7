/* SPDX-License-Identifier: GPL-2.0 */
/* The file of an XFS that a drill poisons a page of. */
#ifndef SCRATCH_H
#define SCRATCH_H

#include "repair/scene.h"

/* Its pages, and the one that is poisoned. */
#define SCRATCH_PAGES	4
#define SCRATCH_BAD	1

struct scratch {
	int folder;
	int fd;
	char *path;
	uint64_t inode;
};

uint64_t scratch_inode(const struct scene *scene);
bool scratch_make(struct scratch *scratch, const struct scene *scene);
bool scratch_repair(struct scene *scene);
bool scratch_remove(const struct scene *scene);

#endif
