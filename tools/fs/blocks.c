// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xfs/xfs.h>

#include "fs/blocks.h"
#include "util/alloc.h"

/* The type of a handle that XFS makes of a number of 64 bits and a generation. */
#define HANDLE_TYPE	0x81

struct inode_handle {
	uint64_t inode;
	uint32_t generation;
} __attribute__((packed));

/* Find where on the device a byte of a file is, and how many bytes follow it in both. */
enum block_state block_find_run(int fd, uint64_t offset, uint64_t *place, uint64_t *len)
{
	union {
		struct fiemap map;
		char bytes[sizeof(struct fiemap) + sizeof(struct fiemap_extent)];
	} request = { .map = {
		.fm_start = offset,
		.fm_length = 1,
		.fm_flags = FIEMAP_FLAG_SYNC,
		.fm_extent_count = 1,
	} };
	const struct fiemap_extent *extent = request.map.fm_extents;

	if (ioctl(fd, FS_IOC_FIEMAP, &request.map))
		return BLOCK_UNKNOWN;
	if (!request.map.fm_mapped_extents)
		return BLOCK_HOLE;
	if (extent->fe_flags & (FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC |
				FIEMAP_EXTENT_DATA_INLINE)) {
		errno = EBUSY;
		return BLOCK_UNKNOWN;
	}
	*place = extent->fe_physical + offset - extent->fe_logical;
	*len = extent->fe_logical + extent->fe_length - offset;
	return extent->fe_flags & FIEMAP_EXTENT_UNWRITTEN ? BLOCK_RESERVED : BLOCK_WRITTEN;
}

/* Find where on the device a byte of a file is. */
enum block_state block_find(int fd, uint64_t offset, uint64_t *place)
{
	uint64_t len;

	return block_find_run(fd, offset, place, &len);
}

/* Have a range of a file share the blocks of another; false with errno. */
bool block_share(int from, uint64_t from_offset, uint64_t len, int to, uint64_t to_offset)
{
	struct file_clone_range range = {
		.src_fd = from,
		.src_offset = from_offset,
		.src_length = len,
		.dest_offset = to_offset,
	};

	return !ioctl(to, FICLONERANGE, &range);
}

/* Read all of a range; false with errno. */
bool block_read(int fd, void *data, size_t len, uint64_t offset)
{
	size_t done = 0;
	ssize_t length;

	while (done < len) {
		length = pread(fd, (char *)data + done, len - done, offset + done);
		if (length <= 0) {
			if (!length)
				errno = ENODATA;
			return false;
		}
		done += length;
	}
	return true;
}

/* Write all of a range, and wait until it is on the device; false with errno. */
bool block_write(int fd, const void *data, size_t len, uint64_t offset)
{
	size_t done = 0;
	ssize_t length;

	while (done < len) {
		length = pwrite(fd, (const char *)data + done, len - done, offset + done);
		if (length <= 0) {
			if (!length)
				errno = EIO;
			return false;
		}
		done += length;
	}
	return !fsync(fd);
}

bool file_uses_dax(int fd)
{
	struct statx status;

	return !statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &status) &&
	       status.stx_attributes & STATX_ATTR_DAX;
}

static bool set_xflag(int fd, uint32_t flag, bool on)
{
	struct fsxattr attr;
	uint32_t before;

	if (ioctl(fd, FS_IOC_FSGETXATTR, &attr))
		return false;
	before = attr.fsx_xflags;
	attr.fsx_xflags = on ? before | flag : before & ~flag;
	return attr.fsx_xflags == before || !ioctl(fd, FS_IOC_FSSETXATTR, &attr);
}

/* Under dax=inode, files that are made in the folder inherit it. */
bool folder_set_dax(int fd, bool dax)
{
	return set_xflag(fd, FS_XFLAG_DAX, dax);
}

bool file_set_nodump(int fd)
{
	return set_xflag(fd, FS_XFLAG_NODUMP, true);
}

/* Drop what an empty file inherits: then it gets as many blocks as it is given. */
bool file_set_plain(int fd)
{
	const uint32_t hints = FS_XFLAG_EXTSIZE | FS_XFLAG_COWEXTSIZE | FS_XFLAG_REALTIME;
	struct fsxattr attr;

	if (ioctl(fd, FS_IOC_FSGETXATTR, &attr))
		return false;
	if (!(attr.fsx_xflags & hints))
		return true;
	attr.fsx_xflags &= ~hints;
	attr.fsx_extsize = 0;
	attr.fsx_cowextsize = 0;
	return !ioctl(fd, FS_IOC_FSSETXATTR, &attr);
}

/* Open a file of an XFS by its number: it may have no name any more.  -1 with errno. */
int file_open_inode(int root, uint64_t inode, int flags)
{
	struct xfs_bulkstat_req *request = calloc(1, XFS_BULKSTAT_REQ_SIZE(1));
	union {
		struct file_handle handle;
		char bytes[sizeof(struct file_handle) + sizeof(struct inode_handle)];
	} buffer = { .handle = {
		.handle_bytes = sizeof(struct inode_handle),
		.handle_type = HANDLE_TYPE,
	} };
	struct inode_handle handle = { .inode = inode };
	bool found;

	if (!request)
		return -1;
	request->hdr.ino = inode;
	request->hdr.icount = 1;
	found = !ioctl(root, XFS_IOC_BULKSTAT, request) && request->hdr.ocount &&
		request->bulkstat[0].bs_ino == inode;
	handle.generation = request->bulkstat[0].bs_gen;
	free(request);
	if (!found) {
		errno = ESTALE;
		return -1;
	}
	memcpy(buffer.handle.f_handle, &handle, sizeof(handle));
	return open_by_handle_at(root, &buffer.handle, flags | O_CLOEXEC);
}
