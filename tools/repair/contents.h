/* SPDX-License-Identifier: GPL-2.0 */
/* A file and its backup, compared where the file can be read. */
#ifndef CONTENTS_H
#define CONTENTS_H

#include "repair/scene.h"

struct contents {
	const char *path, *backup_path;
	int fd, backup;		/* backup is -1 if there is none */
	uint64_t size;
	uint64_t block;
	const struct bad_block *bad;
	size_t nr_bad;
};

/* The first difference, if there is one. */
struct difference {
	enum {
		SAME,
		DIFFERENT,
		FILE_UNREADABLE,	/* errno has why */
		BACKUP_UNREADABLE,
	} what;
	uint64_t offset;
};

struct difference contents_compare(const struct contents *contents);
bool contents_wanted(const struct contents *contents, uint64_t offset, void *data);

#endif
