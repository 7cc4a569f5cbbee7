// SPDX-License-Identifier: GPL-2.0
#include "daxlinear.h"

/*
 * Translate a page of the mapped device into one of a device.  Sets @left to the
 * pages left in the range: dm clamps to the end of a target and knows of no
 * ranges.
 */
static struct dax_device *daxlinear_pgoff(struct dm_target *ti, pgoff_t *pgoff, long *left)
{
	struct daxlinear *dl = ti->private;
	sector_t sector = dm_target_offset(ti, *pgoff << PAGE_SECTORS_SHIFT);
	const struct daxlinear_range *range = daxlinear_find(&dl->table, sector);
	struct dm_dev *dev = dl->devs[range->dev];

	*left = daxlinear_left(range, sector) >> PAGE_SECTORS_SHIFT;
	*pgoff = (get_start_sect(dev->bdev) + daxlinear_sector(range, sector)) >>
		 PAGE_SECTORS_SHIFT;
	return dev->dax_dev;
}

long daxlinear_direct_access(struct dm_target *ti, pgoff_t pgoff, long nr_pages,
			     enum dax_access_mode mode, void **kaddr, pfn_t *pfn)
{
	struct dax_device *dax_dev;
	long left;

	dax_dev = daxlinear_pgoff(ti, &pgoff, &left);
	return dax_direct_access(dax_dev, pgoff, min(nr_pages, left), mode, kaddr, pfn);
}

int daxlinear_zero_page_range(struct dm_target *ti, pgoff_t pgoff, size_t nr_pages)
{
	struct dax_device *dax_dev;
	pgoff_t child;
	long left;
	int err;

	/* One at a time: the kernel's dax_zero_page_range() takes no more. */
	for (; nr_pages; nr_pages--, pgoff++) {
		child = pgoff;
		dax_dev = daxlinear_pgoff(ti, &child, &left);
		err = dax_zero_page_range(dax_dev, child, 1);
		if (err)
			return err;
	}
	return 0;
}

size_t daxlinear_recovery_write(struct dm_target *ti, pgoff_t pgoff, void *addr,
				size_t bytes, struct iov_iter *i)
{
	struct dax_device *dax_dev;
	long left;

	/*
	 * @addr came from direct_access and so is one child's; what is past the
	 * range is for the next call.
	 */
	dax_dev = daxlinear_pgoff(ti, &pgoff, &left);
	bytes = min_t(size_t, bytes, ((size_t)left << PAGE_SHIFT) - offset_in_page(addr));
	return dax_recovery_write(dax_dev, pgoff, addr, bytes, i);
}
