// SPDX-License-Identifier: GPL-2.0
/*
 * Ask the kernel what a dax_device maps now.  dax_holder keeps no copy of that, so nothing can
 * go stale, whichever table is live and whichever target made it.
 *
 * All look-ups are in recovery mode, because the page may be a bad one, and inside
 * dax_read_lock().
 */
#include <linux/mm.h>
#include <linux/pfn_t.h>
#include <linux/sched.h>

#include "live.h"

/* Size of the device in bytes, rounded down to whole pages. */
u64 dxh_size(const struct dxh_device *device)
{
	return round_down(get_capacity(device->disk) << SECTOR_SHIFT, PAGE_SIZE);
}

bool dxh_alive(const struct dxh_device *device)
{
	int id = dax_read_lock();
	bool alive = dax_alive(device->dax_dev);

	dax_read_unlock(id);
	return alive;
}

/*
 * Find the memory that the device maps at offset @bytes.  Sets *@pfn to the first page frame and
 * returns the length of the memory in bytes, @len_bytes at most; 0 if nothing is mapped there.
 *
 * A device can be removed at any time.  Its driver dereferences NULL if kill_dax() runs between
 * dax_direct_access()'s check that the dax_device is alive and the driver's own look-up.  The
 * checks here, under rcu_read_lock(), exclude that:
 *
 * - A mapped device: device-mapper sets GD_DEAD, waits for an RCU grace period to free the
 *   table, and calls kill_dax() only then.  Without a table it does not wait, but the size is 0
 *   then.
 * - A child: when the kernel announces that it goes away, handle() in failure.c sets @gone and
 *   waits for an RCU grace period.  The kernel calls kill_dax() after that.
 */
static u64 resolve(const struct dxh_device *device, u64 bytes, u64 len_bytes, u64 *pfn)
{
	long nr = min_t(u64, len_bytes >> PAGE_SHIFT, LONG_MAX), got = 0;
	pfn_t first;

	rcu_read_lock();
	if (!test_bit(GD_DEAD, &device->disk->state) && !READ_ONCE(device->gone) &&
	    get_capacity(device->disk))
		got = dax_direct_access(device->dax_dev, bytes >> PAGE_SHIFT, nr,
					DAX_RECOVERY_WRITE, NULL, &first);
	rcu_read_unlock();
	if (got <= 0)
		return 0;
	*pfn = pfn_t_to_pfn(first);
	return (u64)min(got, nr) << PAGE_SHIFT;
}

/*
 * As resolve(), but join answers that follow each other in memory: a bad block or the end of a
 * target cuts a single answer short.
 */
u64 dxh_resolve(const struct dxh_device *device, u64 bytes, u64 len_bytes, u64 *pfn)
{
	u64 len = resolve(device, bytes, len_bytes, pfn), more, next;

	for (more = len; more && len < len_bytes; len += more) {
		more = resolve(device, bytes + len, len_bytes - len, &next);
		if (more && next != *pfn + (len >> PAGE_SHIFT))
			break;
		cond_resched();
	}
	return len;
}

bool dxh_maps(const struct dxh_device *device, u64 bytes)
{
	u64 pfn;

	return resolve(device, bytes, PAGE_SIZE, &pfn);
}

/* Is the whole device one piece of memory? */
bool dxh_maps_one_run(const struct dxh_device *device)
{
	int id = dax_read_lock();
	u64 size = dxh_size(device), pfn;
	bool one = dxh_resolve(device, 0, size, &pfn) == size;

	dax_read_unlock(id);
	return one;
}

/*
 * Are the page at @parent_bytes of the parent and the page at @child_bytes of the child the same
 * memory?  On entry, *@len_bytes is the most to look at; on return, the length for which the
 * answer holds.
 */
bool dxh_same_page(const struct dxh_device *parent, u64 parent_bytes,
		   const struct dxh_device *child, u64 child_bytes, u64 *len_bytes)
{
	u64 parent_pfn, child_pfn, len;

	len = resolve(parent, parent_bytes, *len_bytes, &parent_pfn);
	if (len)
		len = resolve(child, child_bytes, len, &child_pfn);
	*len_bytes = len ?: PAGE_SIZE;
	return len && parent_pfn == child_pfn;
}

/*
 * Return the claim, and set *@extent to the extent of it, by which the parent's page is mapped
 * now; NULL if there is none.
 */
struct dax_holder_claim *dxh_live_claim(const struct dxh_device *parent, u64 parent_bytes,
					const struct dxh_extent **extent)
{
	struct dax_holder_claim *claim;
	const struct dxh_extent *e;
	u64 len;

	list_for_each_entry_srcu(claim, &parent->claims, node,
				 srcu_read_lock_held(&dxh_claims_srcu) ||
				 lockdep_is_held(&dxh_claims_mutex)) {
		e = dxh_extent_at(claim->extents, claim->nr_extents, parent_bytes);
		len = PAGE_SIZE;
		if (!e || !dxh_same_page(parent, parent_bytes, e->child->device,
					 e->child_bytes + parent_bytes - e->parent_bytes, &len))
			continue;
		*extent = e;
		return claim;
	}
	return NULL;
}

/*
 * Find the next place, in the order of the parent's offsets for each piece of the child's
 * memory.  Returns false if there is none.  This costs one dax_direct_access() for each
 * contiguous piece of the parent, and one for each page of a hole: the kernel does not report
 * the length of a hole.
 */
bool dxh_search_next(struct dxh_search *s)
{
	u64 at, len, pfn, first, last;

	while (s->child_at < s->child_end) {
		if (!s->child_len) {
			s->child_len = dxh_resolve(s->child, s->child_at,
						   s->child_end - s->child_at, &s->pfn);
			s->at = s->child_len ? s->parent_start : s->parent_end;
		}
		while (s->at < s->parent_end) {
			at = s->at;
			len = resolve(s->parent, at, s->parent_end - at, &pfn);
			s->at += len ?: PAGE_SIZE;
			cond_resched();
			if (!len && test_bit(GD_DEAD, &s->parent->disk->state))
				return false;
			if (!len)
				continue;
			first = max(pfn, s->pfn);
			last = min(pfn + (len >> PAGE_SHIFT),
				   s->pfn + (s->child_len >> PAGE_SHIFT));
			if (first >= last)
				continue;
			s->hit_child = s->child_at + ((first - s->pfn) << PAGE_SHIFT);
			s->hit_parent = at + ((first - pfn) << PAGE_SHIFT);
			s->hit_len = (last - first) << PAGE_SHIFT;
			return true;
		}
		if (!s->child_len && (READ_ONCE(s->child->gone) || !dxh_alive(s->child)))
			return false;
		s->child_at += s->child_len ?: PAGE_SIZE;
		s->child_len = 0;
		cond_resched();
	}
	return false;
}
