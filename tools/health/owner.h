/* SPDX-License-Identifier: GPL-2.0 */
/* Whose blocks they are: XFS knows, by FS_IOC_GETFSMAP. */
#ifndef OWNER_H
#define OWNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A part of the device that has one owner; parts overlap where files share blocks. */
struct owner {
	uint64_t start_bytes;
	uint64_t len_bytes;
	uint64_t inode;		/* 0: it is no file's */
	const char *what;	/* "data" and the like of a file, or which metadata */
	uint64_t offset_bytes;	/* in the file's data or attributes */
	char *path;		/* NULL if there is none, or none was found */
};

struct owners {
	struct owner *owners;
	size_t nr;
};

bool owners_find(struct owners *owners, const char *folder, uint64_t from_bytes,
		 uint64_t start_bytes, uint64_t len_bytes);
void owners_find_paths(struct owners *owners, const char *folder);
void owners_free(struct owners *owners);

#endif
