// SPDX-License-Identifier: GPL-2.0
/*
 * The file has a name as long as its page may be bad: if the command is killed, the page stays the
 * file's, and is not handed to another one.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drill/scratch.h"
#include "fs/blocks.h"
#include "repair/file.h"
#include "sys/pages.h"
#include "util/alloc.h"
#include "util/say.h"

#define FOLDER	".daxlinear-drill"
#define FILE_NAME	"page"

#define CONTENTS	0xd1

static int open_folder(const struct scene *scene)
{
	return openat(scene->root, FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* The inode of the file that an earlier drill has left, or 0. */
uint64_t scratch_inode(const struct scene *scene)
{
	int folder = open_folder(scene);
	struct stat status;
	uint64_t inode = 0;

	if (folder < 0)
		return 0;
	if (!fstatat(folder, FILE_NAME, &status, AT_SYMLINK_NOFOLLOW) && S_ISREG(status.st_mode))
		inode = status.st_ino;
	close(folder);
	return inode;
}

static bool write_pages(int fd)
{
	size_t len = SCRATCH_PAGES * page_bytes();
	char *data = malloc(len);
	bool done;

	if (!data)
		return false;
	memset(data, CONTENTS, len);
	done = block_write(fd, data, len, 0);
	free(data);
	return done;
}

/* Make the file, on memory; false with errno, and nothing is left. */
bool scratch_make(struct scratch *scratch, const struct scene *scene)
{
	struct stat status;
	int err;

	*scratch = (struct scratch){ .folder = -1, .fd = -1 };
	if (mkdirat(scene->root, FOLDER, 0700) && errno != EEXIST)
		return false;
	scratch->folder = open_folder(scene);
	if (scratch->folder < 0 || fstat(scratch->folder, &status))
		return false;
	if (status.st_uid) {
		errno = EPERM;
		return false;
	}
	scratch->path = format_text("%s/" FOLDER "/" FILE_NAME, scene->mount.folder);
	/* Under dax=always and dax=never the flag changes nothing. */
	if (!fchmod(scratch->folder, 0700) && file_set_nodump(scratch->folder) &&
	    folder_set_dax(scratch->folder, true))
		scratch->fd = openat(scratch->folder, FILE_NAME,
				     O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (scratch->fd >= 0 && file_set_nodump(scratch->fd) && !fstat(scratch->fd, &status)) {
		scratch->inode = status.st_ino;
		errno = EOPNOTSUPP;
		if (file_uses_dax(scratch->fd) && write_pages(scratch->fd) &&
		    !fsync(scratch->folder) && !fsync(scene->root))
			return true;
	}
	err = errno;
	scratch_remove(scene);
	errno = err;
	return false;
}

/* Repair the file, if a block of it is bad.  False if it stays bad. */
bool scratch_repair(struct scene *scene)
{
	struct file_options options = {
		.path = format_text("%s/" FOLDER "/" FILE_NAME, scene->mount.folder),
	};

	return file_repair(scene, &options) == EXIT_DONE;
}

/* Remove the file and its folder; false with errno. */
bool scratch_remove(const struct scene *scene)
{
	int folder = open_folder(scene);
	bool done;

	if (folder < 0)
		return errno == ENOENT;
	done = (!unlinkat(folder, FILE_NAME, 0) || errno == ENOENT) &&
	       !unlinkat(scene->root, FOLDER, AT_REMOVEDIR) && !fsync(scene->root);
	close(folder);
	return done;
}
