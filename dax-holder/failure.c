// SPDX-License-Identifier: GPL-2.0
/*
 * Forward the failure of a child's page to every parent whose live mapping contains the page.
 *
 * This runs in the context of the failure, inside dax_read_lock(), and often under mm's mutex
 * for memory failures.  A parent's handler may do I/O on the parent, and so wait until a
 * suspended device is resumed.  No lock that a resume, a reload or a removal needs is held
 * meanwhile.
 *
 * The kernel notifies dax_holder of the child that failed, the origin.  From there dax_holder
 * visits the parents on all floors itself.  Each parent is visited once, however many paths lead
 * to it, and its offsets are searched once, in ascending order.  So an offset that maps a failed
 * page from the failure's arrival to its end is notified exactly once.  An offset that maps one
 * for a part of that time, because the table changes, is notified at most once.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mm.h>
#include <linux/sched.h>

#include "attachment.h"
#include "claim.h"
#include "record.h"
#include "walk.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/*
 * A lane handles one failure at a time, so a device needs room for one visit per lane.  This
 * delays no failure of a page, because mm has a mutex for those anyway.  A child that goes away
 * has a lane of its own: it must not wait for a page whose handler waits for a suspended device.
 */
static struct lane {
	struct mutex mutex;		/* held by a failure from its arrival to its end */
	struct task_struct *task;	/* the one that handles it, or NULL */
	bool found;			/* a parent maps what failed */
} lanes[DXH_LANES] = {
	{ .mutex = __MUTEX_INITIALIZER(lanes[0].mutex) },
	{ .mutex = __MUTEX_INITIALIZER(lanes[1].mutex) },
};

/*
 * Merge two results: an error beats 0, and 0 beats -EOPNOTSUPP, which leaves the page to the
 * kernel's generic handling.
 */
static int worst(int a, int b)
{
	if (a == -EOPNOTSUPP)
		return b;
	if (b == -EOPNOTSUPP || b == 0)
		return a;
	return a ?: b;
}

static const char *outcome(int rc)
{
	if (rc == -EOPNOTSUPP)
		return "left to generic handling";
	return dxh_handled(rc) ? "handled above" : "answered with an error";
}

/*
 * Count in each attachment of the parent to a device that has failed, and in the claim whose
 * extent maps the place.
 */
static void count(const struct dxh_failure *failure, struct dxh_device *parent, u64 parent_bytes,
		  bool forwarded, int rc)
{
	const struct dxh_attachment *attachment;
	const struct dax_holder_claim *claim;
	const struct dxh_extent *extent;

	list_for_each_entry_srcu(attachment, &parent->attachments, node,
				 srcu_read_lock_held(&dxh_claims_srcu))
		if (dxh_has_failed(failure, attachment->child))
			dxh_stats_count(attachment->stats, parent_bytes, forwarded, rc);
	claim = dxh_live_claim(parent, parent_bytes, &extent);
	if (claim)
		dxh_stats_count(claim->stats, parent_bytes, forwarded, rc);
}

static int notify_above(const struct dxh_failure *failure, const struct dxh_device *child);

/*
 * Notify the parent's holder.  If that is dax_holder, visit the parents above this one instead,
 * and return their result.
 */
static int notify_place(const struct dxh_failure *failure, struct dxh_device *parent,
			u64 child_bytes, u64 parent_bytes, u64 len_bytes)
{
	struct dax_device *dax_dev = parent->dax_dev;
	bool forwarded = dax_holder(dax_dev);
	int rc;

	lanes[failure->gone].found = true;
	if (READ_ONCE(parent->held))
		rc = notify_above(failure, parent);
	else
		rc = dax_holder_notify_failure(dax_dev, parent_bytes, len_bytes,
					       failure->mf_flags);
	/* A parent that is being removed must not suppress the generic handling. */
	if (rc == -ENXIO && !dax_alive(dax_dev))
		rc = -EOPNOTSUPP;

	trace_dax_holder_failure(failure->origin->name, child_bytes, parent->name,
				 parent_bytes, len_bytes, failure->mf_flags, rc);
	pr_warn_ratelimited("%s failed at 0x%llx for 0x%llx bytes, %s holds it at 0x%llx (sector %llu): %s (%d)\n",
			    failure->origin->name, child_bytes, len_bytes, parent->name,
			    parent_bytes, parent_bytes >> SECTOR_SHIFT, outcome(rc), rc);
	count(failure, parent, parent_bytes, forwarded || rc != -EOPNOTSUPP, rc);
	return rc;
}

static int notify_pages(const struct dxh_failure *failure, struct dxh_device *parent)
{
	int rc = -EOPNOTSUPP;
	struct dxh_walk w;

	if (!dxh_walk_start(&w, failure, parent))
		return rc;
	while (dxh_walk_next(&w))
		rc = worst(rc, notify_place(failure, parent, w.search.hit_child,
					    w.search.hit_parent, w.search.hit_len));
	return rc;
}

/*
 * Make one call for everything that the parent maps of the origin: a filesystem shuts down at
 * the first call and answers every further one with an error.
 */
static int notify_gone(const struct dxh_failure *failure, struct dxh_device *parent)
{
	struct dxh_span span;

	if (!dxh_walk_span(failure, parent, &span))
		return -EOPNOTSUPP;
	return notify_place(failure, parent, span.child_bytes, span.first,
			    span.last - span.first + 1);
}

static int notify_parent(const struct dxh_failure *failure, struct dxh_device *parent)
{
	struct dxh_visit *v = &parent->visits[failure->gone];

	if (v->failure != failure->id) {
		/* Recorded before the visit, so that a loop of devices ends here. */
		v->failure = failure->id;
		v->rc = -EOPNOTSUPP;
		v->rc = failure->gone ? notify_gone(failure, parent) :
					notify_pages(failure, parent);
	}
	return v->rc;
}

static bool is_parent_of(const struct dxh_device *device, const struct dxh_device *child)
{
	const struct dxh_attachment *attachment;
	const struct dax_holder_claim *claim;
	const struct dxh_child *c;

	list_for_each_entry_srcu(attachment, &device->attachments, node,
				 srcu_read_lock_held(&dxh_claims_srcu))
		if (attachment->child == child)
			return true;
	list_for_each_entry_srcu(claim, &device->claims, node,
				 srcu_read_lock_held(&dxh_claims_srcu))
		list_for_each_entry(c, &claim->children, node)
			if (c->device == child)
				return true;
	return false;
}

/* Notify the parents of @child, which is a parent itself.  Their result is its own. */
static int notify_above(const struct dxh_failure *failure, const struct dxh_device *child)
{
	struct dxh_device *parent;
	int rc = -EOPNOTSUPP;

	list_for_each_entry_srcu(parent, &dxh_devices, node,
				 srcu_read_lock_held(&dxh_claims_srcu))
		if (is_parent_of(parent, child))
			rc = worst(rc, notify_parent(failure, parent));
	return rc;
}

/*
 * Visit all devices, not only those above the origin: a table may have moved the page from one
 * child to another meanwhile, and then no path would lead to the parent.
 */
static int notify_all(const struct dxh_failure *failure)
{
	struct dxh_device *parent;
	int rc = -EOPNOTSUPP;

	list_for_each_entry_srcu(parent, &dxh_devices, node,
				 srcu_read_lock_held(&dxh_claims_srcu))
		rc = worst(rc, notify_parent(failure, parent));
	return rc;
}

/*
 * Look the origin up by its dax_device, not by dax_holder(): the holder may have changed since
 * the kernel made the call.
 */
static struct dxh_device *find_origin(const struct dax_device *dax_dev)
{
	struct dxh_device *device;

	list_for_each_entry_srcu(device, &dxh_devices, node,
				 srcu_read_lock_held(&dxh_claims_srcu))
		if (READ_ONCE(device->held) && device->dax_dev == dax_dev)
			return device;
	return NULL;
}

/*
 * Record the failure before a parent is notified, and the result after: a handler may wait for
 * long.
 */
static int record_and_notify(struct dxh_failure *failure)
{
	struct dxh_record *record = READ_ONCE(failure->origin->record);
	struct lane *lane = &lanes[failure->gone];
	u64 end = failure->gone ? 0 : failure->last + 1, number = 0;
	int rc;

	if (record)
		number = dxh_record_enter(record, failure->origin->name,
					  failure->first >> SECTOR_SHIFT,
					  (end - failure->first) >> SECTOR_SHIFT,
					  failure->mf_flags);
	lane->found = false;
	rc = notify_all(failure);
	if (record)
		dxh_record_result(record, number, lane->found ? rc : DXH_UNUSED);
	return rc;
}

static int handle(struct dxh_failure *failure, u64 off, u64 len)
{
	u64 size = dxh_size(failure->origin);
	int rc;

	failure->first = round_down(off, PAGE_SIZE);
	if (!len || failure->first >= size)
		return -EOPNOTSUPP;
	failure->last = len > size - off ? size - 1 : round_up(off + len, PAGE_SIZE) - 1;
	failure->len_bytes = dxh_resolve(failure->origin, failure->first,
					 failure->last - failure->first + 1, &failure->pfn);
	rc = record_and_notify(failure);
	if (failure->gone) {
		/* Wait until resolve() no longer uses the origin; the kernel kills it next. */
		WRITE_ONCE(failure->origin->gone, true);
		synchronize_rcu();
	}
	return rc;
}

static int dxh_notify_failure(struct dax_device *dax_dev, u64 off, u64 len, int mf_flags)
{
	struct dxh_failure failure = { .mf_flags = mf_flags, .gone = off == 0 && len == U64_MAX };
	struct lane *lane = &lanes[failure.gone];
	int rc = -EOPNOTSUPP, id;

	/*
	 * This failure has notified a parent whose holder dax_holder has become meanwhile.  To
	 * take the lane again would be a deadlock, and the walk covers the claims on that parent
	 * already.
	 */
	if (READ_ONCE(lanes[0].task) == current || READ_ONCE(lanes[1].task) == current)
		return rc;

	mutex_lock(&lane->mutex);
	id = srcu_read_lock(&dxh_claims_srcu);
	WRITE_ONCE(lane->task, current);
	failure.id = dxh_last_failure[failure.gone] + 1;
	WRITE_ONCE(dxh_last_failure[failure.gone], failure.id);
	failure.origin = find_origin(dax_dev);
	if (failure.origin)
		rc = handle(&failure, off, len);
	WRITE_ONCE(lane->task, NULL);
	srcu_read_unlock(&dxh_claims_srcu, id);
	mutex_unlock(&lane->mutex);
	return rc;
}

const struct dax_holder_operations dxh_holder_ops = {
	.notify_failure = dxh_notify_failure,
};
