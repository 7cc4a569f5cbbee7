/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAX_HOLDER_STATS_H
#define DAX_HOLDER_STATS_H

#include "device.h"

/* Work to schedule after each failure that is counted. */
struct dxh_event {
	struct list_head node;
	struct work_struct *work;	/* or NULL */
};

/**
 * struct dxh_stats - counters of a place of a parent
 * @node: By place, but not of an attachment, which has its own.
 * @events: Of the claims that share it, one after the other or as live and loaded table.
 * @parent: The place is in this parent,
 * @parent_bytes: at this offset.
 * @users: Those claims, or an attachment; under claims_mutex.
 * @received: Failures in the live mapping,
 * @forwarded: those of them that a holder of the parent was notified of,
 * @handled: those that it handled, by killing processes or by shutting down,
 * @generic: those that were left to the kernel's generic handling.
 * @last_bytes: Where in the parent the last one was, or U64_MAX.
 * @rcu: Frees it.
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
