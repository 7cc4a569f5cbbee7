// SPDX-License-Identifier: GPL-2.0
/*
 * A child goes away: one call a parent, for all that it maps of it.
 */
#include <linux/mm.h>

#include "notify.h"

/* What is gone of a child, and where a parent maps it. */
struct hull {
	u64 child_first;	/* in: what of the child is gone */
	u64 child_last;
	u64 first;		/* in the parent */
	u64 last;
	u64 child_bytes;	/* what @first maps */
	struct dax_holder_claim *claim;
};

static void hull_widen(struct hull *hull, u64 child_bytes, u64 parent_bytes, u64 len_bytes,
		       struct dax_holder_claim *claim)
{
	hull->last = max(hull->last, parent_bytes + len_bytes - 1);
	if (parent_bytes >= hull->first)
		return;
	hull->first = parent_bytes;
	hull->child_bytes = child_bytes;
	hull->claim = claim;
}

/* By what is live of a claim's run; a look at one page tells that. */
static void hull_add_run(struct hull *hull, const struct run *run)
{
	const struct extent *e = &run->claim->extents[run->extent];
	unsigned int i;

	for (i = 0; i < run->nr_extents; i++, e++) {
		u64 start = max(hull->child_first, e->child_bytes);
		u64 end = min(hull->child_last, e->child_bytes + e->len_bytes - 1);
		u64 shift = e->parent_bytes - e->child_bytes, len = PAGE_SIZE;

		if (start <= end &&
		    parent_has_page(run->claim->parent, start + shift, run->slot->dax_dev,
				    start, &len))
			hull_widen(hull, start, start + shift, end - start + 1, run->claim);
	}
}

static void hull_add_claims(struct hull *hull, struct slot *slot, struct parent *parent)
{
	struct dax_holder_claim *claim;
	unsigned int i;

	list_for_each_entry_srcu(claim, &parent->claims, node,
				 srcu_read_lock_held(&claims_srcu))
		for (i = 0; i < claim->nr_runs; i++)
			if (claim->runs[i].slot == slot)
				hull_add_run(hull, &claim->runs[i]);
}

static void hull_add_attached(struct hull *hull, struct slot *slot,
			      const struct attachment *attachment)
{
	struct dax_search s = attachment_search(attachment, hull->child_first,
						hull->child_last);

	while (dax_search(&s))
		hull_widen(hull, s.hit_child, s.hit_parent, s.hit_len,
			   claim_of(slot, attachment->parent, s.hit_child, s.hit_parent));
}

/*
 * The child's bytes @first to @last go away.  Telling a parent range by range
 * would not do: a filesystem shuts down at the first and has no answer to the
 * others.  One call covers them all.
 */
int part_gone(struct slot *slot, u64 first, u64 last, int mf_flags)
{
	struct attachment *attachment;
	struct dax_device *dax_dev;
	struct parent *parent;
	int rc = -EOPNOTSUPP;

	list_for_each_entry_srcu(parent, &parents, node,
				 srcu_read_lock_held(&claims_srcu)) {
		struct hull hull = {
			.child_first = first,
			.child_last = last,
			.first = U64_MAX,
		};

		spin_lock(&claims_lock);
		attachment = attachment_of(slot, parent);
		if (attachment)
			dax_dev = attachment->dax_dev;
		else
			dax_dev = list_empty(&parent->claims) ? NULL : parent_dax(parent);
		spin_unlock(&claims_lock);

		if (attachment)
			hull_add_attached(&hull, slot, attachment);
		else if (dax_dev)
			hull_add_claims(&hull, slot, parent);
		if (hull.first != U64_MAX) {
			struct place place = {
				.slot = slot,
				.parent = parent,
				.dax_dev = dax_dev,
				.child_bytes = hull.child_bytes,
				.parent_bytes = hull.first,
				.len_bytes = hull.last - hull.first + 1,
				.claim = hull.claim,
				.attachment = attachment,
			};

			rc = worse(rc, tell(&place, mf_flags, true));
		}
	}
	return rc;
}
