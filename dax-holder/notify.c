// SPDX-License-Identifier: GPL-2.0
/*
 * The failure path: from a child's page to every parent whose live mapping
 * holds it.
 *
 * It runs in the context of the failure, inside dax_read_lock(), and often
 * under mm's mutex for memory failures.  A parent's handler may do I/O on the
 * parent and so wait until a suspended device is resumed: nothing of ours that a
 * resume, a reload or a removal needs is held meanwhile.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/interval_tree_generic.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/workqueue.h>

#include "holder.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

#define RUN_FIRST(run)	((run)->first)
#define RUN_LAST(run)	((run)->last)

INTERVAL_TREE_DEFINE(struct run, rb, u64, subtree_last, RUN_FIRST, RUN_LAST,
		     static, runs)

/* Bounds the work of looking for the next hit of a failure of many pages. */
#define CHUNK_BYTES	SZ_2M

void run_insert(struct run *run, struct rb_root_cached *root)
{
	runs_insert(run, root);
}

void run_remove(struct run *run, struct rb_root_cached *root)
{
	runs_remove(run, root);
}

/* -EOPNOTSUPP, nobody took care of it, gives way to 0, and 0 to an error. */
static int worse(int a, int b)
{
	if (a == -EOPNOTSUPP)
		return b;
	if (b == -EOPNOTSUPP || b == 0)
		return a;
	return a ?: b;
}

/* Under the same account: whichever of the parent's tables is live has one. */
static void raise_events(struct account *account)
{
	struct dax_holder_claim *claim;

	spin_lock(&claims_lock);
	list_for_each_entry(claim, &account->claims, account_node)
		if (claim->event)
			schedule_work(claim->event);
	spin_unlock(&claims_lock);
}

static int part_gone(struct slot *slot, u64 first, u64 last, int mf_flags);

/*
 * To the parent's holder.  If that is us, because the parent is a child in turn,
 * and the whole of a child is gone, then those above are to hear of it once too.
 */
static int forward(struct dax_device *dax_dev, u64 bytes, u64 len_bytes, int mf_flags, bool gone)
{
	struct slot *slot = NULL;

	if (gone) {
		spin_lock(&claims_lock);
		slot = slot_find(dax_dev);
		spin_unlock(&claims_lock);
	}
	if (slot)
		return part_gone(slot, bytes, bytes + len_bytes - 1, mf_flags);
	return dax_holder_notify_failure(dax_dev, bytes, len_bytes, mf_flags);
}

static int tell(struct slot *slot, u64 child_bytes, struct dax_holder_claim *claim,
		u64 parent_bytes, u64 len_bytes, int mf_flags, bool gone)
{
	struct account *account = claim->account;
	struct parent *parent = claim->parent;
	struct dax_device *dax_dev = parent->dax_dev;
	bool held = dax_holder(dax_dev);
	int rc;

	rc = forward(dax_dev, parent_bytes, len_bytes, mf_flags, gone);
	/* A parent on its way out must not keep the generic handling away. */
	if (rc == -ENXIO && !dax_alive(dax_dev))
		rc = -EOPNOTSUPP;

	atomic64_inc(&account->received);
	if (held || rc != -EOPNOTSUPP)
		atomic64_inc(&account->forwarded);
	if (rc != -EOPNOTSUPP)
		atomic64_inc(&account->handled);
	atomic64_set(&account->last_bytes, parent_bytes);

	trace_dax_holder_failure(slot->name, child_bytes, parent->name, parent_bytes,
				 len_bytes, mf_flags, rc);
	pr_warn_ratelimited("%s failed at 0x%llx for 0x%llx bytes, %s holds it at 0x%llx (sector %llu): %s (%d)\n",
			    slot->name, child_bytes, len_bytes, parent->name,
			    parent_bytes, parent_bytes >> SECTOR_SHIFT,
			    rc == -EOPNOTSUPP ? "left to generic handling" : "handled above", rc);
	raise_events(account);
	return rc;
}

/*
 * The first hit at or after @from.  Claims with the same translation, such as
 * those of an old table and a new one, make equal hits; the oldest claim stands
 * for them.
 */
static struct dax_holder_claim *
next_hit(struct slot *slot, u64 first, u64 last, const struct hit *from, struct hit *hit)
{
	struct dax_holder_claim *best = NULL;
	struct run *run;
	struct hit h;
	unsigned int i;

	spin_lock(&claims_lock);
	for (run = runs_iter_first(&slot->runs, first, last); run;
	     run = runs_iter_next(run, first, last)) {
		struct dax_holder_claim *claim = run->claim;

		if (!parent_dax(claim->parent))
			continue;
		for (i = 0; i < run->nr_extents; i++) {
			if (!extent_hit(&claim->extents[run->extent + i], claim->parent->id,
					first, last, from, &h))
				continue;
			if (best && !hit_before(&h, hit) &&
			    (hit_before(hit, &h) || claim->id >= best->id))
				continue;
			best = claim;
			*hit = h;
		}
	}
	spin_unlock(&claims_lock);
	return best;
}

/*
 * Tell every parent that maps a part of the bytes @first to @last of the child,
 * each place once.
 *
 * Two translations of a parent are looked at one after the other, and between
 * the two looks a table swap may make the first the live one.  So a parent whose
 * translations all looked dead is looked at once more.
 */
static int tell_pages(struct slot *slot, u64 first, u64 last, int mf_flags)
{
	bool told = false, again = false;
	struct dax_holder_claim *claim;
	struct hit from = {}, hit = {};
	u64 parent_id = 0, run;
	int rc = -EOPNOTSUPP;

	for (;;) {
		claim = next_hit(slot, first, last, &from, &hit);
		if (parent_id && (!claim || hit.parent_id != parent_id)) {
			if (!told && !again) {
				again = true;
				from = (struct hit){ .parent_id = parent_id };
				continue;
			}
			told = false;
			again = false;
		}
		if (!claim)
			return rc;

		parent_id = hit.parent_id;
		run = hit.len_bytes;
		if (dax_same_page(claim->parent->dax_dev, hit.parent_bytes,
				  slot->dax_dev, hit_child_bytes(&hit), &run)) {
			told = true;
			rc = worse(rc, tell(slot, hit_child_bytes(&hit), claim,
					    hit.parent_bytes, run, mf_flags, false));
		}
		from = hit;
		from.parent_bytes += run;
	}
}

/*
 * Part of the child failed.  In pages, and up to the last page that anybody
 * claims.
 */
static int child_failed(struct slot *slot, u64 off, u64 len, int mf_flags)
{
	u64 first = round_down(off, PAGE_SIZE), last, end = 0;
	int rc = -EOPNOTSUPP;

	spin_lock(&claims_lock);
	if (slot->runs.rb_root.rb_node)
		end = rb_entry(slot->runs.rb_root.rb_node, struct run, rb)->subtree_last;
	spin_unlock(&claims_lock);

	if (!len || first > end)
		return rc;
	last = len - 1 > end - off ? end : round_up(off + len, PAGE_SIZE) - 1;
	for (; first <= last; first = round_down(first, CHUNK_BYTES) + CHUNK_BYTES)
		rc = worse(rc, tell_pages(slot, first,
					  min(last, first | (CHUNK_BYTES - 1)), mf_flags));
	return rc;
}

/* What is gone of a child, and where a parent maps it. */
struct hull {
	u64 child_first;	/* in: what of the child is gone */
	u64 child_last;
	u64 first;		/* in the parent */
	u64 last;
	u64 child_bytes;	/* what @first maps */
	struct dax_holder_claim *claim;
};

/* Widen the hull by what is live of a claim's run; a look at one page tells that. */
static void hull_add(struct hull *hull, struct dax_device *dax_dev, const struct run *run)
{
	const struct extent *e = &run->claim->extents[run->extent];
	unsigned int i;

	for (i = 0; i < run->nr_extents; i++, e++) {
		u64 start = max(hull->child_first, e->child_bytes);
		u64 end = min(hull->child_last, e->child_bytes + e->len_bytes - 1);
		u64 shift = e->parent_bytes - e->child_bytes, len = PAGE_SIZE;

		if (start > end ||
		    !dax_same_page(dax_dev, start + shift, run->slot->dax_dev, start, &len))
			continue;
		hull->last = max(hull->last, end + shift);
		if (start + shift >= hull->first)
			continue;
		hull->first = start + shift;
		hull->child_bytes = start;
		hull->claim = run->claim;
	}
}

/*
 * The child's bytes @first to @last go away.  Telling a parent range by range
 * would not do: a filesystem shuts down at the first and has no answer to the
 * others.  One call covers them all.
 */
static int part_gone(struct slot *slot, u64 first, u64 last, int mf_flags)
{
	struct dax_holder_claim *claim;
	struct dax_device *dax_dev;
	struct parent *parent;
	int rc = -EOPNOTSUPP;
	unsigned int i;

	list_for_each_entry_srcu(parent, &parents, node,
				 srcu_read_lock_held(&claims_srcu)) {
		struct hull hull = {
			.child_first = first,
			.child_last = last,
			.first = U64_MAX,
		};

		spin_lock(&claims_lock);
		dax_dev = list_empty(&parent->claims) ? NULL : parent_dax(parent);
		spin_unlock(&claims_lock);
		if (!dax_dev)
			continue;
		list_for_each_entry_srcu(claim, &parent->claims, node,
					 srcu_read_lock_held(&claims_srcu))
			for (i = 0; i < claim->nr_runs; i++)
				if (claim->runs[i].slot == slot)
					hull_add(&hull, dax_dev, &claim->runs[i]);
		if (hull.claim)
			rc = worse(rc, tell(slot, hull.child_bytes, hull.claim, hull.first,
					    hull.last - hull.first + 1, mf_flags, true));
	}
	return rc;
}

/*
 * The slot is looked up by its dax_device: by the time we run, the holder slot
 * itself may be empty or somebody else's.
 */
static int slot_notify_failure(struct dax_device *dax_dev, u64 off, u64 len, int mf_flags)
{
	int rc = -EOPNOTSUPP, id;
	struct slot *slot;

	id = srcu_read_lock(&claims_srcu);
	spin_lock(&claims_lock);
	slot = slot_find(dax_dev);
	spin_unlock(&claims_lock);
	if (slot) {
		if (off == 0 && len == U64_MAX) {
			WRITE_ONCE(slot->gone, true);
			rc = part_gone(slot, 0, U64_MAX, mf_flags);
		} else {
			rc = child_failed(slot, off, len, mf_flags);
		}
	}
	srcu_read_unlock(&claims_srcu, id);
	return rc;
}

const struct dax_holder_operations slot_ops = {
	.notify_failure = slot_notify_failure,
};
