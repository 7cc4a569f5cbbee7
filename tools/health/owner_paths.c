// SPDX-License-Identifier: GPL-2.0
/* Find the paths of inodes, by parent pointers or a walk through the filesystem. */
#include <fts.h>
#include <stdio.h>
#include <sys/stat.h>

#include "util/alloc.h"
#include "health/owner.h"
#include "util/progress.h"

/* The number of owners that have an inode and no path yet. */
static size_t count_missing(const struct owners *owners)
{
	size_t nr = 0, i;

	for (i = 0; i < owners->nr; i++)
		nr += owners->owners[i].inode && !owners->owners[i].path;
	return nr;
}

/* Set the path of all owners with this inode; return their number. */
static size_t give_path(struct owners *owners, uint64_t inode, const char *path)
{
	size_t nr = 0, i;

	for (i = 0; i < owners->nr; i++) {
		if (owners->owners[i].inode == inode && !owners->owners[i].path) {
			owners->owners[i].path = copy_text(path);
			nr++;
		}
	}
	return nr;
}

/*
 * Find a path for each inode: that of one link, if it has several.  Without parent pointers, walk
 * through the filesystem, once for all of them.
 */
void owners_find_paths(struct owners *owners, const char *folder)
{
	char *folders[2] = { NULL };
	size_t missing, seen = 0;
	FTSENT *entry;
	FTS *walk;

	if (!count_missing(owners) || owners_find_parents(owners, folder))
		return;
	missing = count_missing(owners);
	folders[0] = copy_text(folder);
	walk = fts_open(folders, FTS_PHYSICAL | FTS_XDEV | FTS_NOCHDIR, NULL);
	while (walk && missing && (entry = fts_read(walk))) {
		/* fts returns a folder before and after its contents. */
		if (entry->fts_info == FTS_DP)
			continue;
		progress("looking for the paths of %zu files: %zu seen", missing, ++seen);
		missing -= give_path(owners, entry->fts_statp->st_ino, entry->fts_path);
	}
	if (walk)
		fts_close(walk);
	progress_end();
	free(folders[0]);
}
