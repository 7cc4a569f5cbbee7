// SPDX-License-Identifier: GPL-2.0
/*
 * From a child's page that failed to every parent whose live mapping holds it.
 *
 * It runs in the context of the failure, inside dax_read_lock(), and often
 * under mm's mutex for memory failures.  A parent's handler may do I/O on the
 * parent and so wait until a suspended device is resumed: nothing of ours that a
 * resume, a reload or a removal needs is held meanwhile.
 */
#include <linux/interval_tree_generic.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sizes.h>

#include "notify.h"

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

/* What to look at next: a hit of a claim, or else a parent that is attached. */
struct found {
	struct hit hit;
	struct dax_holder_claim *claim;
	struct attachment *attachment;
};

/* The caller holds claims_lock. */
struct attachment *attachment_of(struct slot *slot, struct parent *parent)
{
	struct attachment *attachment;

	list_for_each_entry(attachment, &parent->attachments, parent_node)
		if (attachment->slot == slot)
			return attachment;
	return NULL;
}

/*
 * The first hit at or after @from.  Claims with the same translation, such as
 * those of an old table and a new one, make equal hits; the oldest claim stands
 * for them.
 *
 * The claims of an attached parent do not count, as its whole mapping is searched,
 * so that no place is told twice.  It is one or the other for a parent and a
 * failure, whoever attaches or detaches meanwhile: that is settled here, when we
 * come to the parent, and the parent at whose claims we are, @current_id, is
 * through with that.
 */
static void next_hit(struct slot *slot, u64 first, u64 last, const struct hit *from,
		     u64 current_id, struct found *found)
{
	struct attachment *attachment;
	struct run *run;
	struct hit h;
	unsigned int i;

	found->claim = NULL;
	found->attachment = NULL;
	spin_lock(&claims_lock);
	for (run = runs_iter_first(&slot->runs, first, last); run;
	     run = runs_iter_next(run, first, last)) {
		struct dax_holder_claim *claim = run->claim;
		struct parent *parent = claim->parent;

		if (!parent_dax(parent) ||
		    (parent->id != current_id && attachment_of(slot, parent)))
			continue;
		for (i = 0; i < run->nr_extents; i++) {
			if (!extent_hit(&claim->extents[run->extent + i], parent->id,
					first, last, from, &h))
				continue;
			if (found->claim && !hit_before(&h, &found->hit) &&
			    (hit_before(&found->hit, &h) || claim->id >= found->claim->id))
				continue;
			found->claim = claim;
			found->hit = h;
		}
	}
	list_for_each_entry(attachment, &slot->attachments, node) {
		u64 id = attachment->parent->id;

		if (id < from->parent_id || id == current_id ||
		    ((found->claim || found->attachment) && id >= found->hit.parent_id))
			continue;
		found->claim = NULL;
		found->attachment = attachment;
		found->hit = (struct hit){ .parent_id = id };
	}
	spin_unlock(&claims_lock);
}

/*
 * A claim of the parent with this translation: its counters are to count what an
 * attachment found.
 */
struct dax_holder_claim *claim_of(struct slot *slot, struct parent *parent,
				  u64 child_bytes, u64 parent_bytes)
{
	struct hit hit, from = {
		.parent_id = parent->id,
		.shift_bytes = parent_bytes - child_bytes,
		.parent_bytes = parent_bytes,
	};
	struct dax_holder_claim *claim = NULL;
	struct run *run;
	unsigned int i;

	spin_lock(&claims_lock);
	for (run = runs_iter_first(&slot->runs, child_bytes, child_bytes); run && !claim;
	     run = runs_iter_next(run, child_bytes, child_bytes))
		for (i = 0; i < run->nr_extents; i++)
			if (extent_hit(&run->claim->extents[run->extent + i],
				       run->claim->parent->id, child_bytes, child_bytes,
				       &from, &hit) &&
			    hit.parent_id == parent->id &&
			    hit.shift_bytes == from.shift_bytes)
				claim = run->claim;
	spin_unlock(&claims_lock);
	return claim;
}

static int tell_attached(struct slot *slot, struct attachment *attachment,
			 u64 first, u64 last, int mf_flags, bool *told)
{
	struct dax_search s = attachment_search(attachment, first, last);
	int rc = -EOPNOTSUPP;

	while (dax_search(&s)) {
		struct place place = {
			.slot = slot,
			.parent = attachment->parent,
			.dax_dev = attachment->dax_dev,
			.child_bytes = s.hit_child,
			.parent_bytes = s.hit_parent,
			.len_bytes = s.hit_len,
			.claim = claim_of(slot, attachment->parent, s.hit_child, s.hit_parent),
			.attachment = attachment,
		};

		*told = true;
		rc = worse(rc, tell(&place, mf_flags, false));
	}
	return rc;
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
	struct hit from = {}, *hit;
	bool told = false, again = false;
	struct found found;
	u64 current_id = 0, run;
	int rc = -EOPNOTSUPP;

	hit = &found.hit;
	for (;;) {
		next_hit(slot, first, last, &from, current_id, &found);
		if (current_id && (!found.claim || hit->parent_id != current_id)) {
			if (!told && !again) {
				again = true;
				from = (struct hit){ .parent_id = current_id };
				continue;
			}
			told = false;
			again = false;
		}
		if (found.attachment) {
			rc = worse(rc, tell_attached(slot, found.attachment, first, last,
						     mf_flags, &told));
			if (!told)
				rc = worse(rc, tell_attached(slot, found.attachment, first,
							     last, mf_flags, &told));
			told = false;
			current_id = 0;
			from = (struct hit){ .parent_id = hit->parent_id + 1 };
			continue;
		}
		if (!found.claim)
			return rc;

		current_id = hit->parent_id;
		run = hit->len_bytes;
		if (parent_has_page(found.claim->parent, hit->parent_bytes,
				    slot->dax_dev, hit_child_bytes(hit), &run)) {
			struct place place = {
				.slot = slot,
				.parent = found.claim->parent,
				.dax_dev = found.claim->parent->dax_dev,
				.child_bytes = hit_child_bytes(hit),
				.parent_bytes = hit->parent_bytes,
				.len_bytes = run,
				.claim = found.claim,
			};

			told = true;
			rc = worse(rc, tell(&place, mf_flags, false));
		}
		from = *hit;
		from.parent_bytes += run;
		/* What is mapped k times takes k looks at k places. */
		cond_resched();
	}
}

/*
 * Part of the child failed.  In pages, and up to the last page that anybody
 * claims; an attached parent may have any.
 */
static int child_failed(struct slot *slot, u64 off, u64 len, int mf_flags)
{
	u64 first = round_down(off, PAGE_SIZE), last, end = 0;
	struct attachment *attachment;
	int rc = -EOPNOTSUPP;

	spin_lock(&claims_lock);
	if (slot->runs.rb_root.rb_node)
		end = rb_entry(slot->runs.rb_root.rb_node, struct run, rb)->subtree_last;
	list_for_each_entry(attachment, &slot->attachments, node)
		end = max(end, child_end(attachment));
	spin_unlock(&claims_lock);

	if (!len || first > end)
		return rc;
	last = len - 1 > end - off ? end : round_up(off + len, PAGE_SIZE) - 1;
	for (; first <= last; first = round_down(first, CHUNK_BYTES) + CHUNK_BYTES)
		rc = worse(rc, tell_pages(slot, first,
					  min(last, first | (CHUNK_BYTES - 1)), mf_flags));
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
