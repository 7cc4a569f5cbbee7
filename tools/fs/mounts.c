// SPDX-License-Identifier: GPL-2.0
#include <libmount/libmount.h>
#include <string.h>

#include "util/alloc.h"
#include "fs/mounts.h"

/* Find a mount of a filesystem's root; false if this mount namespace has none. */
bool mount_find(dev_t dev, struct mount *mount)
{
	struct libmnt_table *table = mnt_new_table_from_file("/proc/self/mountinfo");
	struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_BACKWARD);
	struct libmnt_fs *fs;
	bool found = false;

	while (table && iter && !found && !mnt_table_next_fs(table, iter, &fs)) {
		/* Skip bind mounts of other folders. */
		if (mnt_fs_get_devno(fs) != dev || strcmp(mnt_fs_get_root(fs), "/"))
			continue;
		mount->type = copy_text(mnt_fs_get_fstype(fs));
		mount->folder = copy_text(mnt_fs_get_target(fs));
		mount->options = copy_text(mnt_fs_get_fs_options(fs) ?: "");
		found = true;
	}
	mnt_free_iter(iter);
	mnt_unref_table(table);
	return found;
}
