// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "util/alloc.h"
#include "device/attach.h"
#include "health/check.h"
#include "device/huge.h"
#include "health/kernel_bugs.h"
#include "fs/mounts.h"
#include "sys/nd.h"
#include "device/seams.h"
#include "util/size.h"
#include "sys/sysfs.h"
#include "fs/xfs.h"

/* A failure is told from target to target: each must know how, or its device be attached. */
static void check_targets(struct findings *findings, const struct stack *stack,
			  const struct device *device)
{
	bool ours = table_is_all(&device->table, TARGET_OURS);
	bool attached = !ours && is_attached_to_all(device->dev);
	size_t before = findings->nr_bad, i;

	for (i = 0; i < device->table.nr && !attached; i++)
		if (strcmp(device->table.targets[i].type, TARGET_OURS))
			findings_add(findings, "targets", false,
				     "%s has a target \"%s\": failures there are told to nobody above; daxlinear tells them, and so does daxlinear attach %s",
				     device->name, device->table.targets[i].type, device->name);
	for (i = 0; i < device->layout.nr; i++) {
		const struct device *below = stack_find(stack, device->layout.segments[i].dev);

		if (below)
			check_targets(findings, stack, below);
	}
	if (findings->nr_bad != before)
		return;
	if (attached)
		findings_add(findings, "targets", true, "%s is attached to all that it stands on",
			     device->name);
	else
		findings_add(findings, "targets", true, "all targets of %s tell of failures",
			     device->name);
}

/* Whether a range is the first on its device, so that a device is told of once. */
static bool is_first(const struct layout *leaves, size_t i)
{
	size_t j;

	for (j = 0; j < i; j++)
		if (leaves->segments[j].dev == leaves->segments[i].dev)
			return false;
	return leaves->segments[i].dev;
}

/* Where a line of ours ends, the target does not see what a request spans; see line.h. */
static void check_lines(struct findings *findings, const struct stack *stack,
			const struct device *device)
{
	const struct device *below;
	size_t nr = device->table.nr, i;

	if (device_is_ours(device) && nr == 1)
		findings_add(findings, "lines", true, "the table of %s is one line", device->name);
	else if (device_is_ours(device))
		findings_add(findings, "lines", false,
			     "the table of %s has %zu lines: where they meet inside an allocation group, copy-on-write mixes data with what lies beside it; daxlinear merge %s makes them one",
			     device->name, nr, device->name);
	for (i = 0; i < device->layout.nr; i++) {
		below = stack_find(stack, device->layout.segments[i].dev);
		if (below && is_first(&device->layout, i))
			check_lines(findings, stack, below);
	}
}

static void check_child(struct findings *findings, dev_t dev)
{
	char *disk = block_name(block_disk(dev)), *path = block_path(dev);
	struct pmem pmem;

	if (!block_exists(dev)) {
		findings_add(findings, "alive", false,
			     "%s is gone: what is there can't be read; bring it back, unmount, and make the device anew",
			     path);
	} else {
		findings_add(findings, "alive", true, "%s is there", path);
		if (!nd_find(disk, &pmem))
			findings_add(findings, "synchronous", false,
				     "%s is no persistent memory that libndctl knows: whether it is synchronous is not known",
				     path);
		else if (!pmem.synchronous)
			findings_add(findings, "synchronous", false,
				     "%s is not synchronous: its host must be asked to flush, mmap with MAP_SYNC is refused",
				     path);
		else
			findings_add(findings, "synchronous", true, "%s is synchronous", path);
	}
	free(disk);
	free(path);
}

static void check_children(struct findings *findings, const struct layout *leaves)
{
	char text[SIZE_TEXT_LEN];
	size_t i;

	for (i = 0; i < leaves->nr; i++)
		if (is_first(leaves, i))
			check_child(findings, leaves->segments[i].dev);
	for (i = 0; i < leaves->nr; i++) {
		const struct segment *leaf = &leaves->segments[i];
		char *path = block_path(leaf->dev);

		size_text(leaf->start_sectors * SECTOR, text);
		if (huge_is_aligned(leaf))
			findings_add(findings, "aligned_2m", true,
				     "%s, from %s on, is aligned to 2 MiB", path, text);
		else if (leaf->dev && block_exists(leaf->dev))
			findings_add(findings, "aligned_2m", false,
				     "%s, from %s on, is not aligned to 2 MiB: files there are mapped in pages of 4 KiB, which costs faults and page tables",
				     path, text);
		free(path);
	}
}

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
static void check_seams(struct findings *findings, const struct xfs *xfs,
			const struct stack *stack, const struct device *device,
			const struct layout *leaves)
{
	char *what, *way_out, text[SIZE_TEXT_LEN];
	struct seams seams;

	size_text(xfs->ag_bytes, text);
	seams_find(&seams, stack, device, xfs->ag_bytes, xfs->size_bytes);
	if (seams.nr) {
		what = seams_text(&seams);
		way_out = seams_way_out(&seams);
		if (xfs->reflink)
			findings_add(findings, "seams", false,
				     "%s, inside allocation groups of %s: " SEAMS_HARM "; %s", what, text,
				     way_out);
		else
			findings_add(findings, "seams", true,
				     "%s, inside allocation groups of %s; XFS has no reflink, so nothing copies on write there",
				     what, text);
		free(what);
		free(way_out);
	} else if (meet_at_groups(xfs, leaves)) {
		findings_add(findings, "seams", true,
			     "children meet where allocation groups of %s end, or there is one only", text);
	} else {
		findings_add(findings, "seams", true,
			     "children meet inside allocation groups of %s, and daxlinear bridges that for copy-on-write, which costs time there",
			     text);
	}
}

static void check_xfs(struct findings *findings, const struct xfs *xfs, bool huge,
		      uint64_t device_bytes)
{
	char text[2][SIZE_TEXT_LEN];

	findings_add(findings, "rmapbt", xfs->rmapbt, xfs->rmapbt ? "XFS has rmapbt" :
		     "XFS has no rmapbt: it can't tell whose a failed page is, only those who map a file's page are killed; make it anew by daxlinear mkfs");
	findings_add(findings, "reflink", !xfs->reflink, xfs->reflink ? KERNEL_REFLINK_CRASH :
		     "XFS has no reflink, which any user could crash the kernel by");
	if (device_bytes - xfs->size_bytes >= xfs->ag_bytes)
		findings_add(findings, "size", false,
			     "XFS ends at %s, the device at %s: a failure in between crashes Linux 6.1 and 6.12; run xfs_growfs",
			     size_text(xfs->size_bytes, text[0]), size_text(device_bytes, text[1]));
	else
		findings_add(findings, "size", true, "XFS is as large as the device");
	/* Where children are not aligned, it would not help. */
	if (!huge)
		return;
	findings_add(findings, "stripe_unit", xfs->unit_bytes == HUGE_PAGE,
		     xfs->unit_bytes == HUGE_PAGE ? "XFS aligns large files to 2 MiB" :
		     "XFS does not align large files to 2 MiB: fewer of them are mapped in pieces of 2 MiB; mount with sunit=4096,swidth=4096");
}

static void check_filesystem(struct findings *findings, const struct mapped *mapped,
			     const struct stack *stack, const struct device *device,
			     const struct layout *leaves)
{
	struct mount mount = { 0 };
	char *path = block_path(mapped->dev);
	struct xfs xfs;

	if (mount_find(mapped->dev, &mount) && strcmp(mount.type, "xfs")) {
		findings_add(findings, "xfs", false,
			     "%s is mounted on %s: only XFS with rmapbt hears of failures", mount.type,
			     mount.folder);
	} else if (!xfs_read(path, mount.folder, &xfs)) {
		findings_add(findings, "xfs", false,
			     "there is no XFS on it: daxlinear mkfs makes one");
	} else {
		findings_add(findings, "xfs", true, "XFS is on it");
		/* Without DAX the page cache copies. */
		if (block_has_dax(mapped->dev))
			check_seams(findings, &xfs, stack, device, leaves);
		check_xfs(findings, &xfs, huge_leaves_aligned(leaves),
			  table_end(&device->table) * SECTOR);
		if (mount.folder && strstr(mount.options, "dax=never"))
			findings_add(findings, "dax", false,
				     "%s is mounted with dax=never: files are copied to memory, and a failure there is not seen by those who map them; mount with dax=always",
				     mount.folder);
	}
	free(path);
}

/* Look at a device, all that it stands on and what is on it. */
void check_device(struct findings *findings, const struct stack *stack,
		  const struct mapped *mapped)
{
	const struct device *device = stack_find(stack, mapped->dev);
	struct layout leaves = { 0 };

	if (!device)
		return;
	check_targets(findings, stack, device);
	check_lines(findings, stack, device);
	stack_flatten(stack, &leaves, &device->layout);
	check_children(findings, &leaves);
	check_filesystem(findings, mapped, stack, device, &leaves);
	layout_free(&leaves);
}
