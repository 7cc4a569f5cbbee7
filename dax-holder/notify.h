/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The failure path: notify.c looks for the places of pages that failed, gone.c for
 * those of a child that goes away, tell.c tells the parent.  In the context of the
 * failure, inside dax_read_lock() and claims_srcu, with no lock of ours held.
 */
#ifndef DAX_HOLDER_NOTIFY_H
#define DAX_HOLDER_NOTIFY_H

#include "holder.h"

/* The parent maps @len_bytes of the child here. */
struct place {
	struct slot *slot;
	struct parent *parent;
	struct dax_device *dax_dev;		/* the parent's */
	u64 child_bytes;
	u64 parent_bytes;
	u64 len_bytes;
	struct dax_holder_claim *claim;		/* found by it, or covered by it too */
	struct attachment *attachment;		/* found by it */
};

int worse(int a, int b);
int tell(const struct place *place, int mf_flags, bool gone);
int part_gone(struct slot *slot, u64 first, u64 last, int mf_flags);
struct attachment *attachment_of(struct slot *slot, struct parent *parent);
struct dax_holder_claim *claim_of(struct slot *slot, struct parent *parent,
				  u64 child_bytes, u64 parent_bytes);

#endif
