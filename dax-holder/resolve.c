// SPDX-License-Identifier: GPL-2.0
/*
 * Asking the kernel itself what a dax_device maps now.  No state of ours can go
 * stale that way, whatever table is live and whatever target made it.
 *
 * Always in recovery mode, because the page in question may well be a bad one,
 * and always inside dax_read_lock().
 */
#include <linux/mm.h>
#include <linux/sched.h>

#include "holder.h"

/*
 * Returns for how many bytes, @len_bytes at most, the dax_device maps memory that
 * starts at *@pfn; 0 if it maps none here.
 */
static u64 resolve(struct dax_device *dax_dev, u64 bytes, u64 len_bytes, u64 *pfn)
{
	long nr = min_t(u64, len_bytes >> PAGE_SHIFT, LONG_MAX);
	pfn_t first;

	nr = min(nr, dax_direct_access(dax_dev, bytes >> PAGE_SHIFT, nr,
				       DAX_RECOVERY_WRITE, NULL, &first));
	if (nr <= 0)
		return 0;
	*pfn = pfn_t_to_pfn(first);
	return (u64)nr << PAGE_SHIFT;
}

/*
 * Nobody keeps a parent from being removed, and device-mapper dereferences NULL if
 * its dax_device is killed between the kernel's look whether it is alive and its
 * own.  But the disk is marked dead before, and a grace period of RCU goes by
 * between the two, for the sake of the table.
 */
static u64 resolve_parent(const struct gendisk *disk, struct dax_device *dax_dev,
			  u64 bytes, u64 len_bytes, u64 *pfn)
{
	u64 len = 0;

	rcu_read_lock();
	if (!test_bit(GD_DEAD, &disk->state))
		len = resolve(dax_dev, bytes, len_bytes, pfn);
	rcu_read_unlock();
	return len;
}

bool parent_maps(const struct parent *parent, u64 bytes)
{
	u64 pfn;

	return resolve_parent(parent->disk, parent->dax_dev, bytes, PAGE_SIZE, &pfn);
}

/*
 * Whether all that a disk maps is one run of memory.  A bad block or the end of a
 * target cuts an answer short, but where the next one goes on there is no gap.
 */
bool maps_one_run(struct gendisk *disk, struct dax_device *dax_dev)
{
	u64 end = round_down(get_capacity(disk) << SECTOR_SHIFT, PAGE_SIZE);
	u64 at, len, pfn, next = 0;

	for (at = 0; at < end; at += len, next = pfn + (len >> PAGE_SHIFT)) {
		len = resolve_parent(disk, dax_dev, at, end - at, &pfn);
		if (!len || (at && pfn != next))
			return false;
		cond_resched();
	}
	return true;
}

/*
 * Does the page at @parent_bytes of the parent live in the page at @child_bytes
 * of the child?  Sets @len_bytes, the most to look at on entry, to the length of
 * which the answer holds.
 */
bool parent_has_page(const struct parent *parent, u64 parent_bytes,
		     struct dax_device *child, u64 child_bytes, u64 *len_bytes)
{
	u64 parent_pfn, child_pfn, len;

	len = resolve_parent(parent->disk, parent->dax_dev, parent_bytes, *len_bytes,
			     &parent_pfn);
	if (len)
		len = resolve(child, child_bytes, len, &child_pfn);
	*len_bytes = len ?: PAGE_SIZE;
	return len && parent_pfn == child_pfn;
}

/*
 * Where the parent maps a part of the child's memory, stretch by stretch; returns
 * false when there is no more.  It takes a call of the kernel a stretch of the
 * parent, but one a page where the parent maps nothing: nobody tells how far that
 * goes.
 */
bool dax_search(struct dax_search *s)
{
	u64 at, len, pfn, first, last;

	for (; s->child_bytes < s->child_end; s->child_bytes += s->child_len) {
		if (!s->parent_bytes)
			s->child_len = resolve(s->child, s->child_bytes,
					       s->child_end - s->child_bytes, &s->pfn);
		while (s->child_len && s->parent_bytes < s->parent_end) {
			at = s->parent_bytes;
			len = resolve_parent(s->disk, s->parent, at, s->parent_end - at, &pfn);
			s->parent_bytes += len ?: PAGE_SIZE;
			if (!len) {
				if (test_bit(GD_DEAD, &s->disk->state))
					return false;
				cond_resched();
				continue;
			}
			first = max(pfn, s->pfn);
			last = min(pfn + (len >> PAGE_SHIFT),
				   s->pfn + (s->child_len >> PAGE_SHIFT));
			if (first >= last)
				continue;
			s->hit_child = s->child_bytes + ((first - s->pfn) << PAGE_SHIFT);
			s->hit_parent = at + ((first - pfn) << PAGE_SHIFT);
			s->hit_len = (last - first) << PAGE_SHIFT;
			return true;
		}
		if (!s->child_len) {
			if (!dax_alive(s->child))
				return false;
			s->child_len = PAGE_SIZE;
		}
		s->parent_bytes = 0;
	}
	return false;
}

/* 0 for a disk that is being taken away. */
u64 child_end(const struct attachment *attachment)
{
	return get_capacity(attachment->child_disk) << SECTOR_SHIFT;
}

/* For the child's bytes @first to @last. */
struct dax_search attachment_search(const struct attachment *attachment, u64 first, u64 last)
{
	u64 size = get_capacity(attachment->disk) << SECTOR_SHIFT;

	return (struct dax_search){
		.child = attachment->slot->dax_dev,
		.child_bytes = first,
		.child_end = min(last, U64_MAX - 1) < child_end(attachment) ?
			     last + 1 : child_end(attachment),
		.disk = attachment->disk,
		.parent = attachment->dax_dev,
		.parent_end = round_down(size, PAGE_SIZE),
	};
}
