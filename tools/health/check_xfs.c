// SPDX-License-Identifier: GPL-2.0
/* The XFS on a device. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "util/alloc.h"
#include "health/check.h"
#include "device/huge.h"
#include "health/kernel_bugs.h"
#include "fs/mounts.h"
#include "device/seams.h"
#include "sys/pages.h"
#include "util/size.h"
#include "sys/sysfs.h"
#include "fs/xfs.h"

/* Whether all children meet where allocation groups end. */
static bool meet_at_groups(const struct xfs *xfs, const struct layout *leaves)
{
	uint64_t *seams;
	size_t nr = layout_seams(leaves, &seams), i;
	bool meet = true;

	for (i = 0; i < nr; i++)
		meet &= seams[i] >= xfs->size_bytes || seams[i] % xfs->ag_bytes == 0;
	free(seams);
	return meet && !layout_unknown(leaves);
}

/* A file that copies on write at an open seam mixes data. */
static void check_seams(struct findings *findings, const struct checked *checked,
			const struct xfs *xfs)
{
	char *what, *way_out, text[SIZE_TEXT_LEN];
	struct seams seams;

	size_text(xfs->ag_bytes, text);
	seams_find(&seams, checked->stack, checked->device, xfs->ag_bytes, xfs->size_bytes);
	if (seams.nr) {
		what = seams_text(&seams);
		way_out = seams_way_out(&seams);
		if (xfs->reflink)
			findings_add(findings, "seams", false,
				     "%s, inside allocation groups of %s: " SEAMS_HARM "; %s",
				     what, text, way_out);
		else
			findings_add(findings, "seams", true,
				     "%s, inside allocation groups of %s; XFS has no reflink, so nothing copies on write there",
				     what, text);
		free(what);
		free(way_out);
	} else if (meet_at_groups(xfs, &checked->leaves)) {
		findings_add(findings, "seams", true,
			     "children meet where allocation groups of %s end, or there is one only",
			     text);
	} else {
		findings_add(findings, "seams", true,
			     "children meet inside allocation groups of %s, and daxlinear bridges that for copy-on-write, which costs time there",
			     text);
	}
}

static void check_size(struct findings *findings, const struct xfs *xfs, const char *folder,
		       uint64_t device_bytes)
{
	char end[SIZE_TEXT_LEN], device_end[SIZE_TEXT_LEN];
	uint64_t grown = xfs_grown_bytes(xfs, device_bytes);

	size_text(xfs->size_bytes, end);
	size_text(device_bytes, device_end);
	if (xfs->size_bytes > device_bytes)
		findings_add(findings, "size", false,
			     "XFS ends at %s, past the end of the device at %s: its end is missing, and it can't be mounted; put back the table that it was made or grown on (daxlinear extend, or the line of /etc/daxlineartab), and repair or make nothing before that",
			     end, device_end);
	else if (grown > xfs->size_bytes)
		findings_add(findings, "size", false,
			     "XFS ends at %s, the device at %s: a failure in between can crash Linux 6.1 and 6.12; %srun xfs_growfs %s",
			     end, device_end, folder ? "" : "mount it and ",
			     folder ?: "MOUNTPOINT");
	else if (device_bytes - xfs->size_bytes >= xfs->block_bytes)
		findings_add(findings, "size", false,
			     "XFS ends at %s, the device at %s: a failure in between can crash Linux 6.1 and 6.12, and what is left is too small for XFS to grow; make the device shorter (--len of its last child)",
			     end, device_end);
	else
		findings_add(findings, "size", true, "XFS is as large as the device");
}

/* Whether files begin where huge pages do. */
static void check_stripe_unit(struct findings *findings, const struct xfs *xfs)
{
	uint64_t huge = huge_page_bytes(), sectors = huge / SECTOR;
	char text[SIZE_TEXT_LEN];

	size_text(huge, text);
	if (xfs->unit_bytes == huge)
		findings_add(findings, "stripe_unit", true, "XFS aligns large files to %s", text);
	else
		findings_add(findings, "stripe_unit", false,
			     "XFS does not align large files to %s: fewer of them are mapped in pieces of %s; mount with sunit=%ju,swidth=%ju",
			     text, text, (uintmax_t)sectors, (uintmax_t)sectors);
}

/* The kernel turns DAX off, and mounts it all the same. */
static void check_block_size(struct findings *findings, const struct xfs *xfs)
{
	char block[SIZE_TEXT_LEN], page[SIZE_TEXT_LEN];

	size_text(xfs->block_bytes, block);
	size_text(page_bytes(), page);
	if (xfs->block_bytes == page_bytes())
		findings_add(findings, "block_size", true, "XFS has blocks of a page, %s", page);
	else
		findings_add(findings, "block_size", false,
			     "XFS has blocks of %s, and the kernel has pages of %s: XFS turns DAX off, and files are copied to memory, where a failure is not notified to XFS; make it anew by daxlinear mkfs, or boot a kernel with pages of %s",
			     block, page, block);
}

static void check_features(struct findings *findings, const struct xfs *xfs)
{
	findings_add(findings, "rmapbt", xfs->rmapbt, xfs->rmapbt ? "XFS has rmapbt" :
		     "XFS has no rmapbt: it can't find the owner of a failed page, only processes that map a file's page are killed; make it anew by daxlinear mkfs");
	findings_add(findings, "reflink", !xfs->reflink, xfs->reflink ? KERNEL_REFLINK_CRASH :
		     "XFS has no reflink, which any user could crash the kernel by");
}

/* XFS shows dax=inode, which is the default, by no option at all. */
static void check_mount_options(struct findings *findings, const struct mount *mount)
{
	if (strstr(mount->options, "dax=always"))
		findings_add(findings, "dax", true, "%s is mounted with dax=always",
			     mount->folder);
	else if (strstr(mount->options, "dax=never"))
		findings_add(findings, "dax", false,
			     "%s is mounted with dax=never, or the kernel log has the reason why XFS turned DAX off: files are copied to memory, and a failure there is not notified to XFS; unmount, and mount with dax=always",
			     mount->folder);
	else
		findings_add(findings, "dax", false,
			     "%s is mounted with dax=inode, the default: only files with the flag FS_XFLAG_DAX use DAX, others are copied to memory, and a failure there is not notified to XFS; unmount, and mount with dax=always",
			     mount->folder);
}

/* XFS that has shut down answers each request with EIO. */
static void check_mount(struct findings *findings, const struct mount *mount, dev_t dev)
{
	struct stat status;
	int err = stat(mount->folder, &status) ? errno : 0;

	if (!err && status.st_dev == dev)
		findings_add(findings, "shut_down", true, "XFS on %s is in service",
			     mount->folder);
	else if (err == EIO)
		findings_add(findings, "shut_down", false,
			     "XFS on %s has shut down, the kernel log has the reason: all access fails with EIO; umount %s and mount it again, which replays its log; if that fails, or metadata was lost, xfs_repair -n on the unmounted device shows the damage",
			     mount->folder, mount->folder);
	else
		findings_add(findings, "xfs", false,
			     "XFS is mounted on %s and hidden by another mount on %s: whether it has shut down can't be seen; unmount the other one",
			     mount->folder, mount->folder);
}

static void check_dax(struct findings *findings, const struct device *device,
		      const struct mount *mount)
{
	if (!block_has_dax(device->dev))
		findings_add(findings, "dax", false,
			     "%s has no DAX: XFS turns DAX off on it, and files are copied to memory; each child has to be a namespace in fsdax mode, or a device on such",
			     device->name);
	else if (mount->folder)
		check_mount_options(findings, mount);
	else if (xfs_is_mounted(device->dev))
		findings_add(findings, "xfs", false,
			     "XFS is mounted, but not in this mount namespace: whether it has shut down and uses DAX can't be seen; run daxlinear check where it is mounted (nsenter)");
}

/* Read the superblock, or ask the kernel about a mounted XFS; false if there is none. */
static bool check_superblock(struct findings *findings, const struct checked *checked,
			     const struct mount *mount, struct xfs *xfs)
{
	const struct device *device = checked->device;
	char *path = block_path(device->dev);
	bool found = xfs_read(path, mount->folder, xfs);

	if (found)
		findings_add(findings, "xfs", true, "XFS is on it");
	else if (errno)
		findings_add(findings, "xfs", false,
			     "the superblock on %s can't be read: %s; there may be an XFS, so overwrite nothing, and cure first what else is bad",
			     device->name, strerror(errno));
	else
		findings_add(findings, "xfs", false,
			     "there is no XFS on %s: daxlinear mkfs makes one", device->name);
	free(path);
	return found;
}

void check_xfs(struct findings *findings, const struct checked *checked)
{
	const struct device *device = checked->device;
	struct mount mount = { 0 };
	struct xfs xfs = { 0 };

	if (mount_find(device->dev, &mount) && strcmp(mount.type, "xfs")) {
		findings_add(findings, "xfs", false,
			     "%s is mounted on %s: only XFS with rmapbt handles failures",
			     mount.type, mount.folder);
		return;
	}
	if (mount.folder)
		check_mount(findings, &mount, device->dev);
	check_dax(findings, device, &mount);
	if (!check_superblock(findings, checked, &mount, &xfs))
		return;
	/* Without DAX the page cache copies. */
	if (block_has_dax(device->dev))
		check_seams(findings, checked, &xfs);
	check_block_size(findings, &xfs);
	check_features(findings, &xfs);
	check_size(findings, &xfs, mount.folder, table_end(&device->table) * SECTOR);
	/* Where children are not aligned, it would not help. */
	if (huge_leaves_aligned(&checked->leaves))
		check_stripe_unit(findings, &xfs);
}
