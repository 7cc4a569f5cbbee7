// SPDX-License-Identifier: GPL-2.0
/*
 * Requests across the ends of ranges.
 *
 * The kernel's copy-on-write, unshare and deduplication of DAX files ask for the address
 * of all pages that they are going to touch, and use it for all of them, however few the
 * answer says there are.  What lies past the end of a range is other data of the child.
 * So a request that crosses such an end is answered with an alias: the pages of all the
 * ranges that it spans, mapped one after the other.  A fault asks for a page frame number
 * as well and respects a short answer; only its copy of shared blocks, of 2 MiB at most,
 * asks as the others do.
 *
 * An alias has to outlive its use, and nothing reports the end of that.  Callers use the
 * address inside dax_read_lock(), save the copy of a fault, which follows the unlock
 * without a sleep.  A worker waits for both, in this order, before it unmaps.  No callback
 * of device-mapper waits for either.
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
	size_t bytes;		/* that it holds, its page tables included */
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
	 * Those that ask faster than the worker unmaps let it catch up, but only for a
	 * moment: it waits for them, as they are inside dax_read_lock().
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
	/* From here on it may be freed once the caller has left dax_read_lock(). */
	llist_add(&alias->node, &aliases);
	schedule_work(&unmap_work);
	/*
	 * The write that recovers goes by the answer, which is where bad pages begin; the
	 * copy-on-write before it does not.
	 */
	return mode == DAX_RECOVERY_WRITE ? first : nr_pages;
}

/**
 * daxlinear_seamless() - answer a request that crosses the end of a range
 * @ti: The target.
 * @range: The range that holds @pgoff.
 * @pgoff: The first page, in the mapped device.
 * @nr_pages: How many there are, all in the target.
 * @mode: DAX_ACCESS or DAX_RECOVERY_WRITE.
 * @kaddr: Set to an address that is good for all of them.
 *
 * Context: Process context, inside dax_read_lock().  May sleep, but starts no I/O to get
 *	memory: suspending a device waits for us.
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

/* Waits for all aliases to be unmapped; no target is left that could make one. */
void daxlinear_seam_exit(void)
{
	flush_work(&unmap_work);
}
