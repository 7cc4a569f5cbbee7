// SPDX-License-Identifier: GPL-2.0
#include "daxlinear.h"

static const struct daxlinear_range *daxlinear_range(struct dm_target *ti, pgoff_t pgoff)
{
	struct daxlinear *dl = ti->private;

	return daxlinear_find(&dl->table, pgoff);
}

static inline long access(const struct daxlinear_range *range, pgoff_t pgoff, long nr_pages,
			  enum dax_access_mode mode, void **kaddr, pfn_t *pfn)
{
	return dax_direct_access(range->dev->dax_dev, daxlinear_page(range, pgoff), nr_pages,
				 mode, kaddr, pfn);
}

/*
 * Callers that want a page frame number respect an answer that ends where the range does;
 * the others go by what they asked for, and must get it.
 */
static noinline long access_found(const struct daxlinear *dl, pgoff_t pgoff, long nr_pages,
				  enum dax_access_mode mode, void **kaddr, pfn_t *pfn)
{
	const struct daxlinear_range *range = daxlinear_find(&dl->table, pgoff);
	long left = daxlinear_left(range, pgoff);

	if (unlikely(nr_pages > left)) {
		if (!pfn && kaddr && left < DAXLINEAR_ALIAS_PAGES_MAX)
			return daxlinear_seamless(dl->ti, range, pgoff, nr_pages, mode, kaddr);
		nr_pages = left;
	}
	return access(range, pgoff, nr_pages, mode, kaddr, pfn);
}

/*
 * Every fault comes by here.  All ways out are tail calls, so that nothing is saved,
 * and what has one range or two pays for nothing that it does not need.
 */
long daxlinear_direct_access(struct dm_target *ti, pgoff_t pgoff, long nr_pages,
			     enum dax_access_mode mode, void **kaddr, pfn_t *pfn)
{
	const struct daxlinear *dl = ti->private;
	const struct daxlinear_table *table = &dl->table;
	const struct daxlinear_range *range;

	if (table->index) {
		range = daxlinear_indexed(table, pgoff);
		if (likely(nr_pages <= (long)daxlinear_left(range, pgoff)))
			return access(range, pgoff, nr_pages, mode, kaddr, pfn);
		return access_found(dl, pgoff, nr_pages, mode, kaddr, pfn);
	}
	if (pgoff + nr_pages <= table->ranges[1].start)
		return access(&table->ranges[0], pgoff, nr_pages, mode, kaddr, pfn);
	if (pgoff >= table->ranges[1].start && table->nr_ranges == 2)
		return access(&table->ranges[1], pgoff, nr_pages, mode, kaddr, pfn);
	return access_found(dl, pgoff, nr_pages, mode, kaddr, pfn);
}

int daxlinear_zero_page_range(struct dm_target *ti, pgoff_t pgoff, size_t nr_pages)
{
	const struct daxlinear_range *range;
	int err;

	/* One at a time: the kernel's dax_zero_page_range() takes no more. */
	for (; nr_pages; nr_pages--, pgoff++) {
		range = daxlinear_range(ti, pgoff);
		err = dax_zero_page_range(range->dev->dax_dev, daxlinear_page(range, pgoff), 1);
		if (err)
			return err;
	}
	return 0;
}

size_t daxlinear_recovery_write(struct dm_target *ti, pgoff_t pgoff, void *addr,
				size_t bytes, struct iov_iter *i)
{
	const struct daxlinear_range *range = daxlinear_range(ti, pgoff);
	size_t left_bytes = daxlinear_left(range, pgoff) << PAGE_SHIFT;

	/* @addr may be an alias, which goes on past the range: that is for the next call. */
	bytes = min(bytes, left_bytes - offset_in_page(addr));
	return dax_recovery_write(range->dev->dax_dev, daxlinear_page(range, pgoff), addr,
				  bytes, i);
}
