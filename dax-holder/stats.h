/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAX_HOLDER_STATS_H
#define DAX_HOLDER_STATS_H

#include "device.h"

/* Work to schedule after each failure that the stats count. */
struct dxh_event {
	struct list_head node;
	struct work_struct *work;	/* or NULL */
};

/**
 * struct dxh_stats - counters of a place of a parent
 * @node: In the hash of places.  The stats of an attachment are not in it: nothing shares them.
 * @events: Events of the claims that share the stats: those of successive tables at this place,
 *	or of a live and a loaded one.
 * @parent: The parent.
 * @parent_bytes: Offset of the place in the parent.
 * @users: Number of those claims, or 1 for an attachment; under claims_mutex.
 * @received: Failures of pages in the live mapping.
 * @forwarded: Those of @received that a holder of the parent was notified of.
 * @handled: Those of @forwarded that the holder handled, by killing processes or by shutting
 *	down.
 * @generic: Those of @received that were left to the kernel's generic handling.
 * @last_bytes: Offset of the last failure in the parent, or U64_MAX.
 * @rcu: For call_srcu(), when @users has become 0.
 */
struct dxh_stats {
	struct hlist_node node;
	struct list_head events;
	const struct dxh_device *parent;
	u64 parent_bytes;
	unsigned int users;
	atomic64_t received;
	atomic64_t forwarded;
	atomic64_t handled;
	atomic64_t generic;
	atomic64_t last_bytes;
	struct rcu_head rcu;
};

struct dxh_stats *dxh_stats_new(const struct dxh_device *parent, u64 parent_bytes);
struct dxh_stats *dxh_stats_share(struct dxh_stats *spare);
void dxh_stats_put(struct dxh_stats *stats);
void dxh_stats_add_event(struct dxh_stats *stats, struct dxh_event *event);
void dxh_stats_remove_event(struct dxh_event *event);
bool dxh_handled(int rc);
void dxh_stats_count(struct dxh_stats *stats, u64 parent_bytes, bool forwarded, int rc);

#endif
