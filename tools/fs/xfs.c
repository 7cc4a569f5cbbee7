// SPDX-License-Identifier: GPL-2.0
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <xfs/xfs.h>

#include "util/alloc.h"
#include "fs/xfs.h"
#include "sys/sysfs.h"

#define MAGIC		0x58465342
#define HAS_RMAPBT	(1 << 1)
#define HAS_REFLINK	(1 << 2)

/* The kernel makes no smaller allocation group. */
#define AG_BLOCKS_MIN	64

/* The head of the superblock, big-endian. The system's header for it needs the kernel's types. */
struct superblock {
	uint32_t magic;
	uint32_t block_bytes;
	uint64_t blocks;
	uint8_t others[68];
	uint32_t ag_blocks;
	uint8_t more[96];
	uint32_t unit_blocks;
	uint8_t still_more[24];
	uint32_t features;	/* sb_features_ro_compat */
} __attribute__((packed));

/* Of a mounted XFS the superblock on the device may be out of date. */
static bool ask_kernel(const char *folder, struct xfs *xfs)
{
	struct xfs_fsop_geom geometry;
	int fd = open(folder, O_RDONLY | O_CLOEXEC);
	bool known;

	if (fd < 0)
		return false;
	known = !ioctl(fd, XFS_IOC_FSGEOMETRY, &geometry);
	close(fd);
	if (known)
		*xfs = (struct xfs){
			.block_bytes = geometry.blocksize,
			.ag_bytes = (uint64_t)geometry.agblocks * geometry.blocksize,
			.size_bytes = geometry.datablocks * geometry.blocksize,
			.unit_bytes = (uint64_t)geometry.sunit * geometry.blocksize,
			.rmapbt = geometry.flags & XFS_FSOP_GEOM_FLAGS_RMAPBT,
			.reflink = geometry.flags & XFS_FSOP_GEOM_FLAGS_REFLINK,
		};
	return known;
}

/* Look at an XFS that is not mounted and starts at this place of a device. */
bool xfs_read_at(const char *device, uint64_t offset_bytes, struct xfs *xfs)
{
	int fd = open(device, O_RDONLY | O_CLOEXEC);
	struct superblock sb;
	uint64_t block;
	ssize_t length;
	int err;

	if (fd < 0)
		return false;
	length = pread(fd, &sb, sizeof(sb), offset_bytes);
	err = length < 0 ? errno : 0;
	close(fd);
	errno = err;
	if (length != sizeof(sb) || be32toh(sb.magic) != MAGIC ||
	    !sb.block_bytes || !sb.ag_blocks)
		return false;
	block = be32toh(sb.block_bytes);
	*xfs = (struct xfs){
		.block_bytes = block,
		.ag_bytes = be32toh(sb.ag_blocks) * block,
		.size_bytes = be64toh(sb.blocks) * block,
		.unit_bytes = be32toh(sb.unit_blocks) * block,
		.rmapbt = be32toh(sb.features) & HAS_RMAPBT,
		.reflink = be32toh(sb.features) & HAS_REFLINK,
	};
	return true;
}

/**
 * xfs_read - read the geometry of an XFS
 * @device: The path of the device.
 * @folder: The mount point, NULL if it is not mounted.
 * @xfs: The result.
 *
 * Return: Whether there is one. If not, errno is 0, or the error of reading the device.
 */
bool xfs_read(const char *device, const char *folder, struct xfs *xfs)
{
	return (folder && ask_kernel(folder, xfs)) || xfs_read_at(device, 0, xfs);
}

/* Where an XFS ends after xfs_growfs. */
uint64_t xfs_grown_bytes(const struct xfs *xfs, uint64_t device_bytes)
{
	uint64_t bytes = device_bytes / xfs->block_bytes * xfs->block_bytes;
	uint64_t rest = bytes % xfs->ag_bytes;

	return rest < AG_BLOCKS_MIN * xfs->block_bytes ? bytes - rest : bytes;
}

/* Whether the kernel has it mounted, also where this process cannot see the mount. */
bool xfs_is_mounted(dev_t dev)
{
	char *name = block_name(dev), *path = format_text("/sys/fs/xfs/%s", name);
	bool mounted = !access(path, F_OK);

	free(path);
	free(name);
	return mounted;
}
