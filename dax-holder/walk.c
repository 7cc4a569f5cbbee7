// SPDX-License-Identifier: GPL-2.0
/*
 * Find the places of a parent that map failed pages.  First find a window that may map some,
 * then ask the live mapping.
 *
 * A walk visits each offset once, in ascending order, regardless of tables that are loaded and
 * released meanwhile.  So an offset that maps a failed page during the whole walk is found
 * exactly once, and one that maps it for a part of the walk at most once.
 */
#include <linux/sched.h>

#include "attachment.h"
#include "claim.h"
#include "walk.h"

/*
 * Compare disks, not devices: a device is freed with its last claim, and allocated anew for the
 * next one.
 */
static bool is_origin(const struct dxh_failure *failure, const struct dxh_device *child)
{
	return child->disk == failure->origin->disk;
}

/*
 * A child that is a mapped device may map failed pages at any offset; the search finds them.
 * The kernel announces a mapped device as the origin only when it is removed.  Then other mapped
 * devices may map the same pages without being above it, so they do not count.
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
 * Set *@start and *@end to the first window at @from or later in which the claim's parent may
 * map failed pages, if that is before *@start.  An extent on the origin gives its own window.
 * If a child of the claim lies between, the window is all of the parent from @from on.
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
 * Find the next window.  The claims of all tables, live or not, give windows; a parent that is
 * attached may map failed pages anywhere.
 *
 * At any moment the live table has a claim on the list, or an attachment covers it.  But between
 * the two reads an attachment may be added and the claim removed, or the other way round, so
 * that both are missed.  dxh_additions shows that something was added; then read both again.
 */
static bool next_window(const struct dxh_walk *w, u64 *start, u64 *end)
{
	const struct dax_holder_claim *claim;
	unsigned long additions;

	do {
		/* Read before the lists; pairs with dxh_device_add(). */
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
		/* Read again after the lists; pairs with dxh_device_add(). */
		smp_rmb();
	} while (READ_ONCE(dxh_additions) != additions);
	return *start < *end;
}

static void start_search(struct dxh_walk *w, u64 start, u64 end)
{
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

/* Find the next place.  Returns false if there is none. */
bool dxh_walk_next(struct dxh_walk *w)
{
	u64 start, end;

	while (!dxh_search_next(&w->search)) {
		if (!next_window(w, &start, &end))
			return false;
		start_search(w, start, end);
	}
	return true;
}

/* Start a walk.  Returns false if the parent has never had DAX: it maps nothing. */
bool dxh_walk_start(struct dxh_walk *w, const struct dxh_failure *failure,
		    struct dxh_device *parent)
{
	*w = (struct dxh_walk){ .failure = failure, .parent = parent };
	return dxh_device_dax(parent);
}

/* Widen the span by all places of the current window. */
static void span_window(struct dxh_walk *w, struct dxh_span *span)
{
	const struct dxh_search *s = &w->search;

	while (dxh_search_next(&w->search)) {
		if (s->hit_parent < span->first) {
			span->first = s->hit_parent;
			span->child_bytes = s->hit_child;
		}
		span->last = max(span->last, s->hit_parent + s->hit_len - 1);
	}
}

/*
 * Widen the span by the windows of all claims, in the order of the list.  Returns false if
 * something was added to the lists after @additions was read: it may have taken the place of a
 * claim that was not reached.
 */
static bool span_claims(struct dxh_walk *w, unsigned long additions, struct dxh_span *span)
{
	const struct dax_holder_claim *claim;

	list_for_each_entry_srcu(claim, &w->parent->claims, node,
				 srcu_read_lock_held(&dxh_claims_srcu)) {
		u64 start = U64_MAX, end = 0;

		for (claim_window(w->failure, claim, 0, &start, &end); start < end;
		     claim_window(w->failure, claim, w->from, &start, &end)) {
			start_search(w, start, end);
			span_window(w, span);
			start = U64_MAX;
		}
	}
	/* Read again after the list; pairs with dxh_device_add(). */
	smp_rmb();
	return READ_ONCE(dxh_additions) == additions;
}

/*
 * Find the span of all places.  Returns false if there is none.
 *
 * The span does not depend on the order of the windows, nor on a place that is found twice.  So
 * the claims are visited once, where a walk looks at all of them for each window, unless the
 * first window is the whole parent, or something is added meanwhile.
 */
bool dxh_walk_span(const struct dxh_failure *failure, struct dxh_device *parent,
		   struct dxh_span *span)
{
	unsigned long additions;
	struct dxh_walk w;
	u64 start, end;

	*span = (struct dxh_span){ .first = U64_MAX };
	if (!dxh_walk_start(&w, failure, parent))
		return false;
	/* Read before the lists; pairs with dxh_device_add(). */
	additions = smp_load_acquire(&dxh_additions);
	if (!next_window(&w, &start, &end))
		return false;
	if ((start || end < dxh_size(parent)) && span_claims(&w, additions, span))
		return span->last;
	dxh_walk_start(&w, failure, parent);
	while (next_window(&w, &start, &end)) {
		start_search(&w, start, end);
		span_window(&w, span);
	}
	return span->last;
}

/* Is @child the origin, or does it map a failed page? */
bool dxh_has_failed(const struct dxh_failure *failure, struct dxh_device *child)
{
	struct dxh_walk w;

	if (is_origin(failure, child))
		return true;
	return may_have_failed(failure, child) && dxh_walk_start(&w, failure, child) &&
	       dxh_walk_next(&w);
}
