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

/* Up to the range's end: dm clamps to the end of a target and knows of no ranges. */
static inline long access_clamped(const struct daxlinear_range *range, pgoff_t pgoff,
				  long nr_pages, enum dax_access_mode mode, void **kaddr,
				  pfn_t *pfn)
{
	nr_pages = min_t(long, nr_pages, daxlinear_left(range, pgoff));
	return access(range, pgoff, nr_pages, mode, kaddr, pfn);
}

static noinline long access_found(struct dm_target *ti, pgoff_t pgoff, long nr_pages,
				  enum dax_access_mode mode, void **kaddr, pfn_t *pfn)
{
	return access_clamped(daxlinear_range(ti, pgoff), pgoff, nr_pages, mode, kaddr, pfn);
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

	if (table->index)
		return access_clamped(daxlinear_indexed(table, pgoff), pgoff, nr_pages,
				      mode, kaddr, pfn);
	if (pgoff + nr_pages <= table->ranges[1].start)
		return access(&table->ranges[0], pgoff, nr_pages, mode, kaddr, pfn);
	if (pgoff >= table->ranges[1].start && table->nr_ranges == 2)
		return access(&table->ranges[1], pgoff, nr_pages, mode, kaddr, pfn);
	return access_found(ti, pgoff, nr_pages, mode, kaddr, pfn);
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

	/*
	 * @addr came from direct_access and so is one child's; what is past the
	 * range is for the next call.
	 */
	bytes = min(bytes, left_bytes - offset_in_page(addr));
	return dax_recovery_write(range->dev->dax_dev, daxlinear_page(range, pgoff), addr,
				  bytes, i);
}
