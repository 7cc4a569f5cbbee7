// SPDX-License-Identifier: GPL-2.0
/*
 * From a child's page that failed to every parent whose live mapping holds it.
 *
 * It runs in the context of the failure, inside dax_read_lock(), and often under mm's mutex
 * for memory failures.  A parent's handler may do I/O on the parent and so wait until a
 * suspended device is resumed: nothing that a resume, a reload or a removal needs is held
 * meanwhile.
 *
 * The kernel notifies us of the child that failed, the origin.  We go on from there through
 * all floors by ourselves.  Each parent is visited once, however many ways lead to it, and
 * its offsets are looked at in rising order, each once.  So an offset that maps a failed page
 * from the failure's arrival to its end is notified exactly once, and one that does so for
 * a part of that time, because the table changes, at most once.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mm.h>
#include <linux/sched.h>

#include "attachment.h"
#include "claim.h"
#include "walk.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/*
 * One failure at a time: what it notes in the devices needs no room then.  Failures of pages
 * come one at a time anyway, as mm has a mutex of its own.  A child that goes does not wait for
 * one that waits for a suspended device: hence two lanes.
 */
static struct lane {
	struct mutex mutex;		/* held by a failure from its arrival to its end */
	struct task_struct *task;	/* whose failure it is */
} lanes[DXH_LANES] = {
	{ .mutex = __MUTEX_INITIALIZER(lanes[0].mutex) },
	{ .mutex = __MUTEX_INITIALIZER(lanes[1].mutex) },
};

/* -EOPNOTSUPP, which leaves the page to generic handling, gives way to 0, and 0 to an error. */
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

/* By the attachments to what has failed, and by the claim that maps the place. */
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

/* Notify the parent's holder, or go on above the parent if that is us. */
static int notify_place(const struct dxh_failure *failure, struct dxh_device *parent,
			u64 child_bytes, u64 parent_bytes, u64 len_bytes)
{
	struct dax_device *dax_dev = parent->dax_dev;
	bool forwarded = dax_holder(dax_dev);
	int rc;

	if (READ_ONCE(parent->held))
		rc = notify_above(failure, parent);
	else
		rc = dax_holder_notify_failure(dax_dev, parent_bytes, len_bytes,
					       failure->mf_flags);
	/* A parent on its way out must not keep the generic handling away. */
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
 * One call for all that the parent maps of the origin: a filesystem shuts down at the first
 * and has no answer to others.
 */
static int notify_gone(const struct dxh_failure *failure, struct dxh_device *parent)
{
	u64 first = U64_MAX, last = 0, child_bytes = 0;
	struct dxh_walk w;

	if (!dxh_walk_start(&w, failure, parent))
		return -EOPNOTSUPP;
	while (dxh_walk_next(&w)) {
		if (w.search.hit_parent < first) {
			first = w.search.hit_parent;
			child_bytes = w.search.hit_child;
		}
		last = max(last, w.search.hit_parent + w.search.hit_len - 1);
	}
	if (first == U64_MAX)
		return -EOPNOTSUPP;
	return notify_place(failure, parent, child_bytes, first, last - first + 1);
}

static int notify_parent(const struct dxh_failure *failure, struct dxh_device *parent)
{
	struct dxh_visit *v = &parent->visits[failure->gone];

	if (v->failure != failure->id) {
		/* Before the visit, so that no loop of devices can trap us. */
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

/* Notify the parents of a device that is a parent itself: their answer is its own. */
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

/* Whatever is below each: a table may have moved it from one device to another meanwhile. */
static int notify_all(const struct dxh_failure *failure)
{
	struct dxh_device *parent;
	int rc = -EOPNOTSUPP;

	list_for_each_entry_srcu(parent, &dxh_devices, node,
				 srcu_read_lock_held(&dxh_claims_srcu))
		rc = worst(rc, notify_parent(failure, parent));
	return rc;
}

/* Not by what the kernel says the holder is: that may be another by now. */
static struct dxh_device *find_origin(const struct dax_device *dax_dev)
{
	struct dxh_device *device;

	list_for_each_entry_srcu(device, &dxh_devices, node,
				 srcu_read_lock_held(&dxh_claims_srcu))
		if (READ_ONCE(device->held) && device->dax_dev == dax_dev)
			return device;
	return NULL;
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
	rc = notify_all(failure);
	if (failure->gone) {
		/* Ends all use that resolve() makes of it, before the kernel kills it. */
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

	/* A parent whose holder we have just become: its claims are in the walk already. */
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
