// SPDX-License-Identifier: GPL-2.0
/*
 * What a new claim must not do to those that are there: close a loop of devices
 * stacked on each other, or move what is mapped.
 *
 * Nobody takes back the DAX mappings of a filesystem when the table below it
 * changes, so a claim that moves what is mapped would leave processes writing to a
 * place that is no longer theirs.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mm.h>
#include <linux/sched.h>

#include "holder.h"

/*
 * By claims, of whatever table, live or not, or by attachments.  As none gets in
 * that closes a loop, this ends.  The caller holds claims_mutex.
 */
bool disk_stacked_on(const struct gendisk *disk, const struct gendisk *below)
{
	struct dax_holder_claim *claim;
	struct attachment *attachment;
	struct parent *parent;
	struct child *child;

	if (disk == below)
		return true;
	list_for_each_entry(parent, &parents, node) {
		if (parent->disk != disk)
			continue;
		list_for_each_entry(claim, &parent->claims, node)
			list_for_each_entry(child, &claim->children, node)
				if (disk_stacked_on(child->bdev->bd_disk, below))
					return true;
		list_for_each_entry(attachment, &parent->attachments, parent_node)
			if (disk_stacked_on(attachment->child_disk, below))
				return true;
	}
	return false;
}

/*
 * Refuse a claim on a child that is stacked on the claim's parent: resolving a
 * page would never end.  The caller holds claims_mutex.
 */
int guard_loop(const struct dax_holder_claim *claim)
{
	struct child *child;

	list_for_each_entry(child, &claim->children, node)
		if (disk_stacked_on(child->bdev->bd_disk, claim->parent->disk)) {
			pr_err("%pg is stacked on %s itself; give another device\n",
			       child->bdev, claim->parent->name);
			return -ELOOP;
		}
	return 0;
}

/*
 * Somebody other than us holds this dax_device, or one that is stacked on it
 * through us.
 */
static bool dax_in_use(struct dax_device *dax_dev)
{
	struct slot *slot = slot_find(dax_dev);
	struct attachment *attachment;
	struct rb_node *rb;

	if (!slot)
		return dax_holder(dax_dev);
	list_for_each_entry(attachment, &slot->attachments, node)
		if (dax_in_use(attachment->dax_dev))
			return true;
	for (rb = rb_first_cached(&slot->runs); rb; rb = rb_next(rb)) {
		struct parent *parent = rb_entry(rb, struct run, rb)->claim->parent;

		if (parent->dax_dev && dax_in_use(parent->dax_dev))
			return true;
	}
	return false;
}

static struct slot *run_slot(const struct dax_holder_claim *claim, unsigned int extent)
{
	unsigned int i;

	for (i = 0; i < claim->nr_runs; i++)
		if (extent - claim->runs[i].extent < claim->runs[i].nr_extents)
			return claim->runs[i].slot;
	return NULL;
}

/* Where the parent's page is now, for the message: by the claims on the parent. */
static void report_move(const struct dax_holder_claim *claim, u64 parent_bytes,
			const struct slot *to, u64 to_bytes)
{
	struct parent *parent = claim->parent;
	struct dax_holder_claim *old;
	struct slot *from = NULL;
	u64 from_bytes = 0;
	unsigned int i;

	list_for_each_entry(old, &parent->claims, node) {
		for (i = 0; i < old->nr_extents && !from; i++) {
			const struct extent *r = &old->extents[i];
			u64 len = PAGE_SIZE;

			if (parent_bytes - r->parent_bytes >= r->len_bytes)
				continue;
			from = run_slot(old, i);
			from_bytes = r->child_bytes + parent_bytes - r->parent_bytes;
			if (!parent_has_page(parent, parent_bytes, from->dax_dev,
					     from_bytes, &len))
				from = NULL;
		}
	}
	if (from)
		pr_err("%s is in use and its sector %llu is on %s at sector %llu; the new table would move it to %s at sector %llu: unmount first, or give allow_move\n",
		       parent->name, parent_bytes >> SECTOR_SHIFT,
		       from->name, from_bytes >> SECTOR_SHIFT,
		       to->name, to_bytes >> SECTOR_SHIFT);
	else
		pr_err("%s is in use and its sector %llu is on a device of another target; the new table would move it to %s at sector %llu: unmount first, or give allow_move\n",
		       parent->name, parent_bytes >> SECTOR_SHIFT,
		       to->name, to_bytes >> SECTOR_SHIFT);
}

static int guard_extent(const struct dax_holder_claim *claim, struct slot *slot,
			const struct extent *extent)
{
	const struct parent *parent = claim->parent;
	u64 live = get_capacity(parent->disk) << SECTOR_SHIFT, at, len;

	for (at = 0; at < extent->len_bytes; at += len) {
		/* Past the end of the live mapping: this is how a device grows. */
		if (extent->parent_bytes + at >= live)
			return 0;
		len = extent->len_bytes - at;
		if (parent_has_page(parent, extent->parent_bytes + at, slot->dax_dev,
				    extent->child_bytes + at, &len))
			continue;
		if (parent_maps(parent, extent->parent_bytes + at)) {
			report_move(claim, extent->parent_bytes + at,
				    slot, extent->child_bytes + at);
			return -EBUSY;
		}
		/* A hole: a child that went away, or one without a table. */
		cond_resched();
	}
	return 0;
}

/*
 * Refuse a claim that would move what its parent, if in use, maps now.  The
 * caller holds claims_mutex.
 */
int guard_move(const struct dax_holder_claim *claim)
{
	unsigned int i, j;
	int id, err = 0;

	if (!claim->parent->dax_dev || !dax_in_use(claim->parent->dax_dev))
		return 0;

	id = dax_read_lock();
	for (i = 0; i < claim->nr_runs && !err; i++) {
		const struct run *run = &claim->runs[i];

		for (j = 0; j < run->nr_extents && !err; j++)
			err = guard_extent(claim, run->slot, &claim->extents[run->extent + j]);
	}
	dax_read_unlock(id);
	return err;
}
