// SPDX-License-Identifier: GPL-2.0
/* Find the paths of inodes by XFS's parent pointers, from the file up to the root. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "fs/xfs_parents.h"
#include "health/owner.h"
#include "util/alloc.h"

/* Room for a record with the longest name. */
#define RECORD_BYTES	512

/* A path of names of one letter is the deepest. */
#define LEVELS_MAX	(PATH_MAX / 2)

/*
 * Make the handle of an inode, which has its generation.  @known is false if the kernel does not
 * list the inode, as that of a quota: it is in no folder.
 */
static bool find_handle(int fd, uint64_t inode, struct xfs_handle *handle, bool *known)
{
	struct xfs_bulkstat_req *request = calloc(1, XFS_BULKSTAT_REQ_SIZE(1));
	bool done;

	if (!request)
		return false;
	request->hdr.ino = inode;
	request->hdr.icount = 1;
	done = !ioctl(fd, XFS_IOC_BULKSTAT, request);
	*known = done && request->hdr.ocount && request->bulkstat[0].bs_ino == inode;
	if (*known)
		*handle = (struct xfs_handle){
			.ha_fid = {
				.fid_len = sizeof(handle->ha_fid) -
					   sizeof(handle->ha_fid.fid_len),
				.fid_gen = request->bulkstat[0].bs_gen,
				.fid_ino = inode,
			},
		};
	free(request);
	return done;
}

enum step { STEP_FAILED, STEP_UP, STEP_ROOT, STEP_NOWHERE };

/* Go from a file to the first folder that has it; *path gets the file's name in front. */
static enum step step_up(int fd, struct xfs_handle *handle, char **path)
{
	union {
		struct xfs_getparents_rec record;
		char bytes[RECORD_BYTES];
	} buffer = { 0 };
	struct xfs_getparents_by_handle request = {
		.gph_handle = *handle,
		.gph_request = {
			.gp_bufsize = sizeof(buffer),
			.gp_buffer = (uintptr_t)&buffer,
		},
	};
	char *longer;

	if (ioctl(fd, XFS_IOC_GETPARENTS_BY_HANDLE, &request))
		return STEP_FAILED;
	if (request.gph_request.gp_oflags & XFS_GETPARENTS_OFLAG_ROOT)
		return STEP_ROOT;
	/* The kernel leaves the buffer alone if no folder has the file. */
	if (!buffer.record.gpr_reclen)
		return STEP_NOWHERE;
	longer = format_text("/%s%s", buffer.record.gpr_name, *path);
	free(*path);
	*path = longer;
	*handle = buffer.record.gpr_parent;
	return STEP_UP;
}

/* Find a path of an inode below the root, NULL if it has none; false if the kernel cannot tell. */
static bool find_path(int fd, uint64_t inode, char **path)
{
	enum step step = STEP_UP;
	struct xfs_handle handle;
	unsigned int level;
	bool known;

	*path = NULL;
	if (!find_handle(fd, inode, &handle, &known))
		return false;
	if (!known)
		return true;
	*path = copy_text("");
	/* Names move meanwhile, and a damaged filesystem may have a circle. */
	for (level = 0; step == STEP_UP && level < LEVELS_MAX; level++)
		step = step_up(fd, &handle, path);
	if (step == STEP_ROOT)
		return true;
	free(*path);
	*path = NULL;
	return step == STEP_NOWHERE;
}

/**
 * owners_find_parents - find a path for each owner that is a file
 * @owners: The owners.
 * @folder: The mount point of the XFS.
 *
 * Return: Whether the filesystem has parent pointers and they could be read for all. A file without
 * a path then has none.
 */
bool owners_find_parents(struct owners *owners, const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool done = fd >= 0;
	char *path;
	size_t i;

	for (i = 0; i < owners->nr && done; i++) {
		struct owner *owner = &owners->owners[i];

		if (!owner->inode || owner->path)
			continue;
		done = find_path(fd, owner->inode, &path);
		if (path)
			owner->path = format_text("%s%s", folder, path);
		free(path);
	}
	if (fd >= 0)
		close(fd);
	return done;
}
