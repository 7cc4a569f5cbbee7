// SPDX-License-Identifier: GPL-2.0
/*
 * Answer requests that cross the end of a range.
 *
 * The kernel's copy-on-write, unshare and deduplication of DAX files request the address of all
 * pages that they are going to touch.  They use the address for all of these pages, even if the
 * answer is shorter.  Past the end of a range they would touch other data of the child.  So a
 * request that crosses such an end is answered with an alias: a mapping of the pages of all
 * ranges that it spans, one after the other.  A fault requests a page frame number as well and
 * respects a short answer.  Only its copy of shared blocks, of a PMD at most, makes requests as
 * the others do.
 *
 * An alias must stay mapped as long as it is in use, and the kernel does not report the end of
 * that.  Callers use the address inside dax_read_lock(), except for the copy of a fault, which
 * follows the unlock and does not sleep.  So a worker waits for all sections of dax_read_lock(),
 * then for a grace period of RCU tasks, and unmaps after that.  No callback of device-mapper
 * waits for either.
 */
#define pr_fmt(fmt) "device-mapper: daxlinear: " fmt

#include <linux/llist.h>
#include <linux/moduleparam.h>
#include <linux/rcupdate.h>
#include <linux/sched/mm.h>
#include <linux/vmalloc.h>

#include "daxlinear.h"

struct alias {
	struct llist_node node;
	void *addr;
	size_t bytes;		/* memory in use, page tables included */
	unsigned int nr_pages;
	struct page *pages[];
};

static LLIST_HEAD(aliases);

static atomic_long_t held_bytes;
static atomic_long_t nr_requests;
static unsigned long limit_bytes = ULONG_MAX;

static int counter_get(char *buffer, const struct kernel_param *param)
{
	return scnprintf(buffer, PAGE_SIZE, "%ld\n", atomic_long_read(param->arg));
}

static const struct kernel_param_ops counter_ops = { .get = counter_get };

module_param_cb(seam_held_bytes, &counter_ops, &held_bytes, 0444);
MODULE_PARM_DESC(seam_held_bytes, "Memory held now for requests across ranges");
module_param_cb(seam_requests, &counter_ops, &nr_requests, 0444);
MODULE_PARM_DESC(seam_requests, "Requests across ranges since the module was loaded");
module_param_named(seam_limit_bytes, limit_bytes, ulong, 0644);
MODULE_PARM_DESC(seam_limit_bytes,
		 "Refuse requests across ranges while so much is held (default: a 64th of all memory)");

static void alias_free(struct alias *alias)
{
	if (alias->addr)
		vm_unmap_ram(alias->addr, alias->nr_pages);
	atomic_long_sub(alias->bytes, &held_bytes);
	kvfree(alias);
}

static struct alias *alias_alloc(unsigned int nr_pages)
{
	unsigned long held = atomic_long_read(&held_bytes), limit = READ_ONCE(limit_bytes);
	struct alias *alias;
	size_t bytes = struct_size(alias, pages, nr_pages);

	if (held >= limit)
		return NULL;
	/*
	 * Slow down callers that make aliases faster than the worker unmaps them.  Only for a
	 * moment: they are inside dax_read_lock(), so the worker waits for them.
	 */
	if (held > limit / 2)
		schedule_timeout_uninterruptible(HZ / 50);

	alias = kvmalloc(bytes, GFP_KERNEL | __GFP_NOWARN);
	if (!alias)
		return NULL;
	alias->addr = NULL;
	alias->bytes = bytes + nr_pages * sizeof(pte_t);
	alias->nr_pages = nr_pages;
	atomic_long_add(alias->bytes, &held_bytes);
	return alias;
}

/* Look up all pages.  Returns how many the first look-up found, or an error. */
static long alias_collect(struct alias *alias, const struct daxlinear_range *range,
			  pgoff_t pgoff, enum dax_access_mode mode)
{
	long first = 0, left = alias->nr_pages, nr, i;
	struct page **page = alias->pages;
	pfn_t pfn;

	while (left) {
		nr = min_t(long, left, daxlinear_left(range, pgoff));
		nr = dax_direct_access(range->dev->dax_dev, daxlinear_page(range, pgoff), nr,
				       mode, NULL, &pfn);
		if (nr < 0)
			return nr;
		if (!pfn_valid(pfn_t_to_pfn(pfn)))
			return -EOPNOTSUPP;
		for (i = 0; i < nr; i++)
			*page++ = pfn_to_page(pfn_t_to_pfn(pfn) + i);
		first = first ?: nr;
		left -= nr;
		pgoff += nr;
		if (pgoff == range[1].start)
			range++;
		cond_resched();
	}
	return first;
}

static void alias_unmap_work(struct work_struct *work)
{
	struct llist_node *nodes = llist_del_all(&aliases);
	struct alias *alias;

	dax_holder_synchronize();
	synchronize_rcu_tasks();
	while (nodes) {
		alias = llist_entry(nodes, struct alias, node);
		nodes = nodes->next;
		alias_free(alias);
		cond_resched();
	}
}

static DECLARE_WORK(unmap_work, alias_unmap_work);

static long alias_make(const struct daxlinear_range *range, pgoff_t pgoff, long nr_pages,
		       enum dax_access_mode mode, void **kaddr)
{
	struct alias *alias;
	long first;

	alias = alias_alloc(nr_pages);
	if (!alias)
		return -ENOMEM;
	first = alias_collect(alias, range, pgoff, mode);
	if (first < 0) {
		alias_free(alias);
		return first;
	}
	alias->addr = vm_map_ram(alias->pages, nr_pages, NUMA_NO_NODE);
	if (!alias->addr) {
		alias_free(alias);
		return -ENOMEM;
	}
	*kaddr = alias->addr;
	/* From here on the worker may free it as soon as the caller leaves dax_read_lock(). */
	llist_add(&alias->node, &aliases);
	schedule_work(&unmap_work);
	/*
	 * A recovery write respects the answer, which ends where bad pages begin.  The
	 * copy-on-write before it does not.
	 */
	return mode == DAX_RECOVERY_WRITE ? first : nr_pages;
}

/**
 * daxlinear_seamless() - answer a request that crosses the end of a range
 * @ti: The target.
 * @range: The range that holds @pgoff.
 * @pgoff: The first page, in the mapped device.
 * @nr_pages: Number of pages, all in the target.
 * @mode: DAX_ACCESS or DAX_RECOVERY_WRITE.
 * @kaddr: Set to an address that is valid for all of them, until the caller has left
 *	dax_read_lock() and sleeps.
 *
 * Context: Process context, inside dax_read_lock().  May sleep.  Allocates without I/O: a
 *	suspend of the device waits for this call, so reclaim must not wait for the device.
 * Return: The number of pages, fewer of them with DAX_RECOVERY_WRITE, or an error: that of
 *	the first page that has one, or -ENOMEM.
 */
long daxlinear_seamless(struct dm_target *ti, const struct daxlinear_range *range,
			pgoff_t pgoff, long nr_pages, enum dax_access_mode mode, void **kaddr)
{
	unsigned int noio;
	long nr;

	nr_pages = min(nr_pages, DAXLINEAR_ALIAS_PAGES_MAX);
	atomic_long_inc(&nr_requests);
	noio = memalloc_noio_save();
	nr = alias_make(range, pgoff, nr_pages, mode, kaddr);
	memalloc_noio_restore(noio);
	if (nr == -ENOMEM)
		pr_err_ratelimited("%s: no alias for %ld pages at sector %llu, which lie in several ranges: no memory, or seam_limit_bytes are held; the request fails\n",
				   dm_table_device_name(ti->table), nr_pages,
				   (u64)pgoff << PAGE_SECTORS_SHIFT);
	return nr;
}

void __init daxlinear_seam_init(void)
{
	if (limit_bytes == ULONG_MAX)
		limit_bytes = totalram_pages() / 64 * PAGE_SIZE;
}

/* Wait until all aliases are unmapped.  No target is left that could make one. */
void daxlinear_seam_exit(void)
{
	flush_work(&unmap_work);
}
