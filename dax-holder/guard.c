// SPDX-License-Identifier: GPL-2.0
/*
 * Refuse a claim that would close a loop of stacked devices, or move data that is mapped.  The
 * callers hold claims_mutex.
 *
 * When the table below a filesystem changes, the kernel does not revoke the DAX mappings of its
 * files.  After a move, processes would keep writing to the old place, which belongs to other
 * data by then.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "attachment.h"
#include "claim.h"
#include "guard.h"
#include "live.h"

/* A device that carries @mark was searched before. */
static bool stacked_on(struct dxh_device *device, const struct dxh_device *below, u64 mark)
{
	struct dxh_attachment *attachment;
	struct dax_holder_claim *claim;
	struct dxh_child *child;

	if (device == below)
		return true;
	if (device->mark == mark)
		return false;
	device->mark = mark;
	list_for_each_entry(claim, &device->claims, node)
		list_for_each_entry(child, &claim->children, node)
			if (stacked_on(child->device, below, mark))
				return true;
	list_for_each_entry(attachment, &device->attachments, node)
		if (stacked_on(attachment->child, below, mark))
			return true;
	return false;
}

/* Through claims of any table, live or not, or through attachments. */
bool dxh_stacked_on(struct dxh_device *device, const struct dxh_device *below)
{
	static u64 mark;

	return stacked_on(device, below, ++mark);
}

/* Resolving a page of a device that is stacked on itself would never end. */
int dxh_guard_loop(const struct dax_holder_claim *claim)
{
	struct dxh_child *child;

	list_for_each_entry(child, &claim->children, node)
		if (dxh_stacked_on(child->device, claim->parent)) {
			pr_err("%pg is stacked on %s itself; give another device\n",
			       child->bdev, claim->parent->name);
			return -ELOOP;
		}
	return 0;
}

/*
 * Open exclusively, by a mounted filesystem or a mapped device above for instance, or held by
 * another holder than dax_holder, as by XFS.
 */
static bool in_use(const struct dxh_device *parent)
{
	return READ_ONCE(parent->disk->part0->bd_holder) ||
	       (!parent->held && dax_holder(parent->dax_dev));
}

static int report_move(const struct dxh_device *parent, u64 parent_bytes,
		       const struct dxh_device *to, u64 to_bytes)
{
	const struct dxh_extent *e;

	if (dxh_live_claim(parent, parent_bytes, &e))
		pr_err("%s is in use and its sector %llu is on %s at sector %llu; the new table would move it to %s at sector %llu: unmount first, or give allow_move\n",
		       parent->name, parent_bytes >> SECTOR_SHIFT, e->child->device->name,
		       (e->child_bytes + parent_bytes - e->parent_bytes) >> SECTOR_SHIFT,
		       to->name, to_bytes >> SECTOR_SHIFT);
	else
		pr_err("%s is in use and its sector %llu is on a device of another target; the new table would move it to %s at sector %llu: unmount first, or give allow_move\n",
		       parent->name, parent_bytes >> SECTOR_SHIFT,
		       to->name, to_bytes >> SECTOR_SHIFT);
	return -EBUSY;
}

/*
 * A lower bound of the length of a hole in the live mapping: to the end of the extent if the
 * hole is due to a claim whose child is gone, a page otherwise.
 */
static u64 hole_len(const struct dxh_device *parent, u64 parent_bytes)
{
	const struct dax_holder_claim *claim;

	list_for_each_entry(claim, &parent->claims, node) {
		const struct dxh_extent *e = dxh_extent_at(claim->extents, claim->nr_extents,
							   parent_bytes);

		if (e && READ_ONCE(e->child->device->gone))
			return e[1].parent_bytes - parent_bytes;
	}
	return PAGE_SIZE;
}

static int guard_extent(const struct dxh_device *parent, const struct dxh_extent *e)
{
	/* Nothing is mapped past the end of the live mapping, so a device may grow. */
	u64 end = min(e[1].parent_bytes, dxh_size(parent)), at, to_bytes, len;
	const struct dxh_device *to = e->child->device;

	for (at = e->parent_bytes; at < end; at += len) {
		to_bytes = e->child_bytes + at - e->parent_bytes;
		len = end - at;
		if (dxh_same_page(parent, at, to, to_bytes, &len))
			continue;
		if (dxh_maps(parent, at))
			return report_move(parent, at, to, to_bytes);
		len = hole_len(parent, at);
		cond_resched();
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	return 0;
}

/* Refuse a claim that would move what its parent maps now, if the parent is in use. */
int dxh_guard_move(const struct dax_holder_claim *claim)
{
	struct dxh_device *parent = claim->parent;
	unsigned int i;
	int id, err = 0;

	/* A device without a table maps nothing. */
	if (!dxh_size(parent) || !dxh_device_dax(parent) || !in_use(parent))
		return 0;
	id = dax_read_lock();
	for (i = 0; i < claim->nr_extents && !err; i++)
		err = guard_extent(parent, &claim->extents[i]);
	dax_read_unlock(id);
	return err;
}
