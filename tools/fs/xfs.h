/* SPDX-License-Identifier: GPL-2.0 */
/* An XFS on a device, mounted or not. */
#ifndef XFS_H
#define XFS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct xfs {
	uint64_t block_bytes;
	uint64_t ag_bytes;
	uint64_t size_bytes;
	uint64_t unit_bytes;	/* the stripe unit that files are aligned to, or 0 */
	bool rmapbt;
	bool reflink;
};

uint64_t xfs_grown_bytes(const struct xfs *xfs, uint64_t device_bytes);
bool xfs_is_mounted(dev_t dev);
bool xfs_read_at(const char *device, uint64_t offset_bytes, struct xfs *xfs);
bool xfs_read(const char *device, const char *folder, struct xfs *xfs);

#endif
