// SPDX-License-Identifier: GPL-2.0
/*
 * Telling one parent of one place, and noting what came of it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/workqueue.h>

#include "notify.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/* -EOPNOTSUPP, nobody took care of it, gives way to 0, and 0 to an error. */
int worse(int a, int b)
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

static void count(struct account *account, u64 parent_bytes, bool held, int rc)
{
	atomic64_inc(&account->received);
	if (held || rc != -EOPNOTSUPP)
		atomic64_inc(&account->forwarded);
	if (rc != -EOPNOTSUPP)
		atomic64_inc(&account->handled);
	atomic64_set(&account->last_bytes, parent_bytes);
}

int tell(const struct place *place, int mf_flags, bool gone)
{
	struct dax_device *dax_dev = place->dax_dev;
	bool held = dax_holder(dax_dev);
	int rc;

	rc = forward(dax_dev, place->parent_bytes, place->len_bytes, mf_flags, gone);
	/* A parent on its way out must not keep the generic handling away. */
	if (rc == -ENXIO && !dax_alive(dax_dev))
		rc = -EOPNOTSUPP;

	trace_dax_holder_failure(place->slot->name, place->child_bytes, place->parent->name,
				 place->parent_bytes, place->len_bytes, mf_flags, rc);
	pr_warn_ratelimited("%s failed at 0x%llx for 0x%llx bytes, %s holds it at 0x%llx (sector %llu): %s (%d)\n",
			    place->slot->name, place->child_bytes, place->len_bytes,
			    place->parent->name, place->parent_bytes,
			    place->parent_bytes >> SECTOR_SHIFT,
			    rc == -EOPNOTSUPP ? "left to generic handling" : "handled above", rc);
	if (place->attachment)
		count(place->attachment->account, place->parent_bytes, held, rc);
	if (place->claim) {
		count(place->claim->account, place->parent_bytes, held, rc);
		raise_events(place->claim->account);
	}
	return rc;
}
