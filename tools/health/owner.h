/* SPDX-License-Identifier: GPL-2.0 */
/* The owners of blocks: files and metadata, as FS_IOC_GETFSMAP of XFS reports them. */
#ifndef OWNER_H
#define OWNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A part of the device that has one owner; parts overlap where files share blocks. */
struct owner {
	uint64_t start_bytes;
	uint64_t len_bytes;
	uint64_t inode;		/* 0 if the owner is no file */
	const char *what;	/* part of the file ("data"), or kind of metadata */
	uint64_t offset_bytes;	/* in the file's data or attributes */
	char *path;		/* NULL if none was found */
};

struct owners {
	struct owner *owners;
	size_t nr;
};

/* A range whose owners are wanted. */
struct span {
	uint64_t start_bytes;
	uint64_t len_bytes;
};

bool owner_is_unknown(const struct owner *owner);
bool owner_is_data(const struct owner *owner);
bool owners_find(struct owners *owners, const char *folder, uint64_t from_bytes,
		 const struct span *spans, size_t nr);
bool owners_find_parents(struct owners *owners, const char *folder);
void owners_find_paths(struct owners *owners, const char *folder);
void owners_free(struct owners *owners);

#endif
