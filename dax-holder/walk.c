// SPDX-License-Identifier: GPL-2.0
/*
 * Where a parent may map failed pages, and does.
 *
 * Each offset is looked at once, in the order of the offsets, whatever tables come and go
 * meanwhile.  So one that maps a failed page all the while is found once, and one that does so
 * for a part of the time at most once.
 */
#include <linux/sched.h>

#include "attachment.h"
#include "claim.h"
#include "walk.h"

/* By disk: with its last claim a device is forgotten, and the next claim makes it anew. */
static bool is_origin(const struct dxh_failure *failure, const struct dxh_device *child)
{
	return child->disk == failure->origin->disk;
}

/*
 * A child that is a mapped device may have failed pages anywhere; where, the search finds.  If
 * the origin is one, which the kernel notifies of only as it goes, others may have its pages too
 * and not be above it.
 */
static bool is_between(const struct dxh_failure *failure, const struct dxh_device *child)
{
	return dxh_is_mapped(child->disk) && !dxh_is_mapped(failure->origin->disk);
}

static bool may_have_failed(const struct dxh_failure *failure, const struct dxh_device *child)
{
	return is_origin(failure, child) || is_between(failure, child);
}

static bool attached(const struct dxh_failure *failure, const struct dxh_device *parent)
{
	const struct dxh_attachment *attachment;

	list_for_each_entry_srcu(attachment, &parent->attachments, node,
				 srcu_read_lock_held(&dxh_claims_srcu))
		if (may_have_failed(failure, attachment->child))
			return true;
	return false;
}

/*
 * Where the claim's parent may map failed pages from @from on, if that is before *@start.  By
 * its own extents if they are on the origin, and else anywhere.
 */
static void claim_window(const struct dxh_failure *failure, const struct dax_holder_claim *claim,
			 u64 from, u64 *start, u64 *end)
{
	bool on_origin = false;
	const struct dxh_extent *e;
	const struct dxh_child *child;
	u64 at, behind;

	list_for_each_entry(child, &claim->children, node) {
		if (is_between(failure, child->device)) {
			*start = from;
			*end = max(from, dxh_size(claim->parent));
			return;
		}
		on_origin |= is_origin(failure, child->device);
	}
	if (!on_origin)
		return;
	e = dxh_extent_from(claim->extents, claim->nr_extents, from);
	for (; e->child && e->parent_bytes < *start; e++)
		if (is_origin(failure, e->child->device) &&
		    dxh_extent_window(e, failure->first, failure->last, from, &at, &behind)) {
			if (at < *start) {
				*start = at;
				*end = behind;
			}
			return;
		}
}

/*
 * The next part of the parent to search.  The claims of all tables, live or not, say where
 * to look; what is attached may map failed pages anywhere.
 *
 * The live table has a claim in the list, or an attachment stands for it, at any time.  But
 * one may come and the other go between the two looks; then look again.
 */
static bool next_window(const struct dxh_walk *w, u64 *start, u64 *end)
{
	const struct dax_holder_claim *claim;
	unsigned long additions;

	do {
		/* Before the lists are read; pairs with dxh_device_add(). */
		additions = smp_load_acquire(&dxh_additions);
		*start = U64_MAX;
		*end = 0;
		list_for_each_entry_srcu(claim, &w->parent->claims, node,
					 srcu_read_lock_held(&dxh_claims_srcu))
			claim_window(w->failure, claim, w->from, start, end);
		if (attached(w->failure, w->parent)) {
			*start = w->from;
			*end = max(w->from, dxh_size(w->parent));
		}
		/* After they were read; pairs with dxh_device_add(). */
		smp_rmb();
	} while (READ_ONCE(dxh_additions) != additions);
	return *start < *end;
}

/* Finds the next place; returns false when there is no more. */
bool dxh_walk_next(struct dxh_walk *w)
{
	u64 start, end;

	while (!dxh_search_next(&w->search)) {
		if (!next_window(w, &start, &end))
			return false;
		w->from = end;
		w->search = (struct dxh_search){
			.parent = w->parent,
			.parent_start = start,
			.parent_end = end,
			.child = w->failure->origin,
			.child_at = w->failure->first,
			.child_end = w->failure->last + 1,
			.child_len = w->failure->len_bytes,
			.pfn = w->failure->pfn,
			.at = start,
		};
	}
	return true;
}

/* A parent that never had DAX maps nothing. */
bool dxh_walk_start(struct dxh_walk *w, const struct dxh_failure *failure,
		    struct dxh_device *parent)
{
	*w = (struct dxh_walk){ .failure = failure, .parent = parent };
	return dxh_device_dax(parent);
}

/* Does it map a failed page, or has it failed itself? */
bool dxh_has_failed(const struct dxh_failure *failure, struct dxh_device *child)
{
	struct dxh_walk w;

	if (is_origin(failure, child))
		return true;
	return may_have_failed(failure, child) && dxh_walk_start(&w, failure, child) &&
	       dxh_walk_next(&w);
}
