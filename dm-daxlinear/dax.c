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
 * Callers that request a page frame number respect an answer that ends where the range does.
 * The others use all of what they requested, so they must get all of it.
 */
static noinline long access_across(const struct daxlinear *dl, pgoff_t pgoff, long nr_pages,
				   enum dax_access_mode mode, void **kaddr, pfn_t *pfn)
{
	const struct daxlinear_range *range = daxlinear_find(&dl->table, pgoff);
	long left = daxlinear_left(range, pgoff);

	if (!pfn && kaddr && left < DAXLINEAR_ALIAS_PAGES_MAX)
		return daxlinear_seamless(dl->ti, range, pgoff, nr_pages, mode, kaddr);
	return access(range, pgoff, left, mode, kaddr, pfn);
}

static noinline long access_bisected(const struct daxlinear *dl, pgoff_t pgoff, long nr_pages,
				     enum dax_access_mode mode, void **kaddr, pfn_t *pfn)
{
	const struct daxlinear_range *range = daxlinear_bisect(&dl->table, pgoff);

	if (likely(nr_pages <= (long)daxlinear_left(range, pgoff)))
		return access(range, pgoff, nr_pages, mode, kaddr, pfn);
	return access_across(dl, pgoff, nr_pages, mode, kaddr, pfn);
}

/*
 * Hot: called for every page fault.  Every return is a tail call, so that no register is saved.
 * The first two of some ranges are found by a comparison each, the others by strides: where
 * device-mapper's tree has two levels, it finds its first targets in fewer steps than an index.
 */
long daxlinear_direct_access(struct dm_target *ti, pgoff_t pgoff, long nr_pages,
			     enum dax_access_mode mode, void **kaddr, pfn_t *pfn)
{
	const struct daxlinear *dl = ti->private;
	const struct daxlinear_table *table = &dl->table;
	const struct daxlinear_range *range = table->ranges;
	pgoff_t end;

	if (table->index) {
		range = daxlinear_first(table, pgoff);
		if (unlikely(nr_pages > (long)daxlinear_left(range, pgoff))) {
			if (daxlinear_is_far(table, range, pgoff))
				return access_bisected(dl, pgoff, nr_pages, mode, kaddr, pfn);
			range = daxlinear_stride(range, pgoff);
			if (unlikely(nr_pages > (long)daxlinear_left(range, pgoff)))
				return access_across(dl, pgoff, nr_pages, mode, kaddr, pfn);
		}
		return access(range, pgoff, nr_pages, mode, kaddr, pfn);
	}
	end = pgoff + nr_pages;
	if (end <= range[1].start)
		return access(range, pgoff, nr_pages, mode, kaddr, pfn);
	range++;
	OPTIMIZER_HIDE_VAR(range);
	if (end > range[1].start) {
		if (table->nr_ranges > DAXLINEAR_FEW) {
			range = table->ranges;
			while (end > range[DAXLINEAR_FEW].start)
				range += DAXLINEAR_FEW;
			OPTIMIZER_HIDE_VAR(range);
		} else {
			range++;
		}
		while (end > range[1].start)
			range++;
	}
	OPTIMIZER_HIDE_VAR(range);
	if (unlikely(pgoff < range->start))
		return access_across(dl, pgoff, nr_pages, mode, kaddr, pfn);
	return access(range, pgoff, nr_pages, mode, kaddr, pfn);
}

int daxlinear_zero_page_range(struct dm_target *ti, pgoff_t pgoff, size_t nr_pages)
{
	const struct daxlinear_range *range;
	int err;

	/* One page at a time: dax_zero_page_range() refuses more. */
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
	struct dax_device *dax_dev = range->dev->dax_dev;
	const struct daxlinear *dl = ti->private;
	bool was_bad;

	/* @addr may be an alias that goes on past the range; the rest is for the next call. */
	bytes = min(bytes, left_bytes - offset_in_page(addr));
	pgoff = daxlinear_page(range, pgoff);
	/* Good pages are written as well, and nothing is cleared then. */
	was_bad = dax_direct_access(dax_dev, pgoff, PFN_UP(offset_in_page(addr) + bytes),
				    DAX_ACCESS, NULL, NULL) < 0;
	bytes = dax_recovery_write(dax_dev, pgoff, addr, bytes, i);
	if (was_bad)
		dax_holder_rewritten(dl->claim, dax_dev, PFN_PHYS(pgoff) + offset_in_page(addr),
				     bytes);
	return bytes;
}
