// SPDX-License-Identifier: GPL-2.0
/* The path of a file of which only the inode's number is known: it takes a walk. */
#include <fts.h>
#include <stdio.h>
#include <sys/stat.h>

#include "util/alloc.h"
#include "health/owner.h"
#include "util/progress.h"

/* How many inodes still want a path. */
static size_t count_missing(const struct owners *owners)
{
	size_t nr = 0, i;

	for (i = 0; i < owners->nr; i++)
		nr += owners->owners[i].inode && !owners->owners[i].path;
	return nr;
}

/* Give the path to all that want it; return how many did. */
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

/* Walk through the filesystem until each inode has a path. Of several links, one is enough. */
void owners_find_paths(struct owners *owners, const char *folder)
{
	char *folders[2] = { NULL };
	size_t missing = count_missing(owners), seen = 0;
	FTSENT *entry;
	FTS *walk;

	if (!missing)
		return;
	folders[0] = copy_text(folder);
	walk = fts_open(folders, FTS_PHYSICAL | FTS_XDEV | FTS_NOCHDIR, NULL);
	while (walk && missing && (entry = fts_read(walk))) {
		/* A folder is met on the way in and on the way out. */
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
