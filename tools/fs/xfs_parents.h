/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The request for the parents of a file, which Linux has since 6.10.  The headers of an older
 * xfslibs lack it.
 */
#ifndef XFS_PARENTS_H
#define XFS_PARENTS_H

#include <assert.h>
#include <xfs/xfs.h>

#ifndef XFS_IOC_GETPARENTS_BY_HANDLE
/* A directory that has the file, and the file's name in it. */
struct xfs_getparents_rec {
	struct xfs_handle gpr_parent;
	uint32_t gpr_reclen;
	uint32_t gpr_reserved;
	char gpr_name[];
};

struct xfs_getparents {
	uint32_t gp_cursor[4];
	uint16_t gp_iflags;
	uint16_t gp_oflags;
	uint32_t gp_bufsize;
	uint64_t gp_reserved;
	uint64_t gp_buffer;	/* address of the records */
};

struct xfs_getparents_by_handle {
	struct xfs_handle gph_handle;
	struct xfs_getparents gph_request;
};

#define XFS_GETPARENTS_OFLAG_ROOT	1
#define XFS_IOC_GETPARENTS_BY_HANDLE	_IOWR('X', 63, struct xfs_getparents_by_handle)
#endif

static_assert(sizeof(struct xfs_getparents_rec) == 32, "the kernel's layout");
static_assert(sizeof(struct xfs_getparents_by_handle) == 64, "the kernel's layout");

#endif
