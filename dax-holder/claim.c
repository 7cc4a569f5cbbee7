// SPDX-License-Identifier: GPL-2.0
/* Make and release claims. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/export.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "claim.h"
#include "exact.h"
#include "guard.h"
#include "records.h"

static void claim_free(struct dax_holder_claim *claim)
{
	struct dxh_child *child, *next;

	list_for_each_entry_safe(child, next, &claim->children, node)
		kfree(child);
	kvfree(claim);
}

static void claim_free_rcu(struct rcu_head *rcu)
{
	claim_free(container_of(rcu, struct dax_holder_claim, rcu));
}

/* Put the devices of a claim.  After an error it may have only some of its children. */
static void claim_put_devices(struct dax_holder_claim *claim)
{
	struct dxh_child *child;

	list_for_each_entry(child, &claim->children, node) {
		dxh_device_leave(child->device);
		dxh_device_put(child->device);
	}
	if (claim->parent)
		dxh_device_put(claim->parent);
}

static int child_hold(struct dxh_child *child, char **error)
{
	struct dxh_device *device = dxh_device_get(child->bdev->bd_disk);
	int err;

	if (!device)
		return -ENOMEM;
	err = dxh_device_hold(device, child->bdev, &child->start_bytes, error);
	if (!err) {
		err = dxh_record_hold(device);
		if (err)
			dxh_device_leave(device);
	}
	if (err)
		dxh_device_put(device);
	else
		child->device = device;
	return err;
}

/* Find the claim's child for @bdev, or add one. */
static struct dxh_child *claim_child(struct dax_holder_claim *claim, struct block_device *bdev,
				     char **error)
{
	struct dxh_child *child;
	int err;

	list_for_each_entry(child, &claim->children, node)
		if (child->bdev == bdev)
			return child;
	child = kzalloc(sizeof(*child), GFP_KERNEL);
	if (!child)
		return ERR_PTR(-ENOMEM);
	child->bdev = bdev;
	err = child_hold(child, error);
	if (err) {
		kfree(child);
		return ERR_PTR(err);
	}
	list_add_tail(&child->node, &claim->children);
	return child;
}

static int claim_fill(struct dax_holder_claim *claim, u64 parent_bytes,
		      dax_holder_range_fn get, const void *table, char **error)
{
	struct dxh_extent *extent = claim->extents;
	struct dax_holder_range range;
	struct dxh_child *child = NULL;
	unsigned int i;

	for (i = 0; i < claim->nr_extents; i++, extent++) {
		get(table, i, &range);
		if (!child || child->bdev != range.bdev)
			child = claim_child(claim, range.bdev, error);
		if (IS_ERR(child))
			return PTR_ERR(child);
		extent->child = child;
		extent->child_bytes = child->start_bytes + range.start_bytes;
		extent->parent_bytes = parent_bytes;
		parent_bytes += range.len_bytes;
	}
	extent->child = NULL;
	extent->parent_bytes = parent_bytes;
	return 0;
}

/*
 * Refuse a child without synchronous faults under a parent that promises them.  The kernel never
 * clears that flag of a mapped device, not even when the memory of its dax_device is reused for
 * a new one.
 */
static int claim_check_sync(const struct dax_holder_claim *claim)
{
	struct dax_device *dax_dev;
	struct dxh_child *child;

	list_for_each_entry(child, &claim->children, node) {
		if (dax_synchronous(child->device->dax_dev))
			continue;
		dax_dev = dxh_device_dax(claim->parent);
		if (!dax_dev || !dax_synchronous(dax_dev))
			return 0;
		pr_err("%s promises synchronous faults (MAP_SYNC), %pg has none; make a new mapped device for it; if this one is new, echo 1 >/sys/kernel/slab/dax_cache/shrink and try again, as daxlinear create does\n",
		       claim->parent->name, child->bdev);
		return -EXDEV;
	}
	return 0;
}

static int claim_check(const struct dax_holder_claim *claim, unsigned int flags, char **error)
{
	int err;

	err = dxh_guard_loop(claim);
	if (err) {
		*error = "A child is stacked on the device itself";
		return err;
	}
	err = claim_check_sync(claim);
	if (err) {
		*error = "A child without synchronous faults under a parent that has them";
		return err;
	}
	if (flags & DAX_HOLDER_ALLOW_MOVE)
		return 0;
	err = dxh_guard_move(claim);
	if (err)
		*error = "The device is in use and would be moved";
	return err;
}

/*
 * Check, under claims_mutex, what other claims and attachments may change, and make the claim
 * visible to failures.
 */
static int claim_publish(struct dax_holder_claim *claim, unsigned int flags, char **error)
{
	struct dxh_stats *stats;
	int err;

	stats = dxh_stats_new(claim->parent, claim->extents[0].parent_bytes);
	if (!stats)
		return -ENOMEM;
	mutex_lock(&dxh_claims_mutex);
	err = claim_check(claim, flags, error);
	if (err) {
		kfree(stats);
	} else {
		claim->stats = dxh_stats_share(stats);
		dxh_stats_add_event(claim->stats, &claim->event);
		dxh_device_add(&claim->node, &claim->parent->claims);
	}
	mutex_unlock(&dxh_claims_mutex);
	return err;
}

struct dax_holder_claim *
dax_holder_claim(struct gendisk *parent, u64 parent_bytes, dax_holder_range_fn range,
		 const void *table, unsigned int nr_ranges, unsigned int flags,
		 struct work_struct *event, char **error)
{
	struct dax_holder_claim *claim;
	int err = -ENOMEM;

	*error = "Cannot allocate the claim on the children";
	claim = exact_alloc(struct_size(claim, extents, nr_ranges + 1UL));
	if (!claim)
		return ERR_PTR(-ENOMEM);
	memset(claim, 0, sizeof(*claim));
	INIT_LIST_HEAD(&claim->children);
	claim->event.work = event;
	claim->nr_extents = nr_ranges;
	claim->parent = dxh_device_get(parent);
	if (claim->parent)
		err = claim_fill(claim, parent_bytes, range, table, error);
	if (!err)
		err = claim_publish(claim, flags, error);
	if (!err)
		return claim;

	claim_put_devices(claim);
	claim_free(claim);
	return ERR_PTR(err);
}
EXPORT_SYMBOL_GPL(dax_holder_claim);

int dax_holder_resume(struct dax_holder_claim *claim)
{
	/* Failures use it, also when the disk is being removed; then it cannot be looked up. */
	dxh_device_dax(claim->parent);
	return claim_check_sync(claim);
}
EXPORT_SYMBOL_GPL(dax_holder_resume);

void dax_holder_release(struct dax_holder_claim *claim)
{
	mutex_lock(&dxh_claims_mutex);
	dxh_device_remove(&claim->node);
	dxh_stats_remove_event(&claim->event);
	dxh_stats_put(claim->stats);
	mutex_unlock(&dxh_claims_mutex);

	claim_put_devices(claim);
	call_srcu(&dxh_claims_srcu, &claim->rcu, claim_free_rcu);
}
EXPORT_SYMBOL_GPL(dax_holder_release);

void dax_holder_count(const struct dax_holder_claim *claim,
		      struct dax_holder_counts *counts)
{
	const struct dxh_stats *stats = claim->stats;
	const struct dxh_child *child;

	memset(counts, 0, sizeof(*counts));
	counts->received = atomic64_read(&stats->received);
	counts->forwarded = atomic64_read(&stats->forwarded);
	counts->handled = atomic64_read(&stats->handled);
	counts->generic = atomic64_read(&stats->generic);
	counts->last_bytes = atomic64_read(&stats->last_bytes);
	list_for_each_entry(child, &claim->children, node) {
		if (READ_ONCE(child->device->gone))
			counts->children_gone++;
		else
			counts->children_alive++;
	}
}
EXPORT_SYMBOL_GPL(dax_holder_count);
