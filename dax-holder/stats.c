// SPDX-License-Identifier: GPL-2.0
#include <linux/hashtable.h>
#include <linux/slab.h>

#include "stats.h"

static DEFINE_HASHTABLE(places, 10); /* under claims_mutex */
static DEFINE_SPINLOCK(events_lock); /* between failures and changes of a list of events */

static void stats_free(struct rcu_head *rcu)
{
	kfree(container_of(rcu, struct dxh_stats, rcu));
}

struct dxh_stats *dxh_stats_new(const struct dxh_device *parent, u64 parent_bytes)
{
	struct dxh_stats *stats = kzalloc(sizeof(*stats), GFP_KERNEL);

	if (!stats)
		return NULL;
	INIT_LIST_HEAD(&stats->events);
	stats->parent = parent;
	stats->parent_bytes = parent_bytes;
	stats->users = 1;
	atomic64_set(&stats->last_bytes, U64_MAX);
	return stats;
}

/*
 * Return the stats of the same place if there are any, or else @spare.  Consumes @spare in
 * either case.
 */
struct dxh_stats *dxh_stats_share(struct dxh_stats *spare)
{
	unsigned long key = (unsigned long)spare->parent ^ (spare->parent_bytes >> PAGE_SHIFT);
	struct dxh_stats *stats;

	lockdep_assert_held(&dxh_claims_mutex);
	hash_for_each_possible(places, stats, node, key)
		if (stats->parent == spare->parent &&
		    stats->parent_bytes == spare->parent_bytes) {
			kfree(spare);
			stats->users++;
			return stats;
		}
	hash_add(places, &spare->node, key);
	return spare;
}

void dxh_stats_put(struct dxh_stats *stats)
{
	lockdep_assert_held(&dxh_claims_mutex);
	if (--stats->users)
		return;
	hash_del(&stats->node);
	call_srcu(&dxh_claims_srcu, &stats->rcu, stats_free);
}

void dxh_stats_add_event(struct dxh_stats *stats, struct dxh_event *event)
{
	spin_lock(&events_lock);
	list_add_tail(&event->node, &stats->events);
	spin_unlock(&events_lock);
}

/* After this call no failure schedules the event. */
void dxh_stats_remove_event(struct dxh_event *event)
{
	spin_lock(&events_lock);
	list_del(&event->node);
	spin_unlock(&events_lock);
}

/* XFS returns 0 when it has killed processes, -EUCLEAN (EFSCORRUPTED) when it has shut down. */
bool dxh_handled(int rc)
{
	return !rc || rc == -EUCLEAN;
}

/*
 * Count a failure, and schedule every event of the place.  The live table's is among them; which
 * one that is cannot be seen here.
 */
void dxh_stats_count(struct dxh_stats *stats, u64 parent_bytes, bool forwarded, int rc)
{
	struct dxh_event *event;

	atomic64_inc(&stats->received);
	if (forwarded)
		atomic64_inc(&stats->forwarded);
	if (dxh_handled(rc))
		atomic64_inc(&stats->handled);
	if (rc == -EOPNOTSUPP)
		atomic64_inc(&stats->generic);
	atomic64_set(&stats->last_bytes, parent_bytes);

	spin_lock(&events_lock);
	list_for_each_entry(event, &stats->events, node)
		if (event->work)
			schedule_work(event->work);
	spin_unlock(&events_lock);
}
