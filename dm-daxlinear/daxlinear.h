/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAXLINEAR_H
#define DAXLINEAR_H

#include <linux/blkdev.h>
#include <linux/dax.h>
#include <linux/device-mapper.h>
#include <linux/pfn_t.h>
#include <linux/uio.h>
#include <linux/workqueue.h>

#include "dax_holder.h"
#include "exact.h"
#include "table.h"

/*
 * The most pages of one request across the ends of ranges: the longest extent that XFS makes.
 * No caller touches more.  The deduplication of some kernels requests more, by as many pages as
 * lie before the place in the file.
 */
#define DAXLINEAR_ALIAS_PAGES_MAX	0x200000L

/* One of the distinct devices of a target. */
struct daxlinear_dev {
	struct dm_dev *dev;
	const char *path;	/* of the first range on it; freed after the constructor */
};

/* How to remap the bios of a range. */
struct daxlinear_remap {
	sector_t last;		/* of the mapped device; U64_MAX in an entry after all ranges */
	struct block_device *bdev;
	sector_t delta;		/* from the mapped device to bdev, modulo 2^64 */
};

/* A daxlinear target: ranges of devices, one after the other. */
struct daxlinear {
	bool is_few;			/* all ranges are in few[] */
	struct daxlinear_remap *some;	/* of all ranges, if there are DAXLINEAR_SOME at most */
	struct daxlinear_remap few[DAXLINEAR_FEW + 1];	/* of the first ranges */

	unsigned int lost_pmd;	/* the first range that loses PMD mappings, or nr_ranges */
	bool warned;		/* that the line is not the whole device */
	unsigned int nr_devs;
	struct daxlinear_dev *devs;
	struct dax_holder_claim *claim;
	struct dm_target *ti;
	struct work_struct event;
	struct daxlinear_table table;
};

/*
 * Start of the range, in sectors of its block device.  (range->delta leads into the dax_device,
 * which starts earlier if the block device is a partition.)
 */
static inline sector_t daxlinear_offset(const struct daxlinear_range *range)
{
	return (daxlinear_page(range, range->start) << PAGE_SECTORS_SHIFT) -
	       get_start_sect(range->dev->bdev);
}

/* Length of the range, in sectors. */
static inline sector_t daxlinear_len(const struct daxlinear_range *range)
{
	return (sector_t)daxlinear_left(range, range->start) << PAGE_SECTORS_SHIFT;
}

__printf(4, 5)
int daxlinear_refuse(struct dm_target *ti, int err, char *error, const char *fmt, ...);
int daxlinear_check_pmd(struct dm_target *ti, unsigned int i);
int daxlinear_init_remaps(struct daxlinear *dl);
int daxlinear_map(struct dm_target *ti, struct bio *bio);
long daxlinear_direct_access(struct dm_target *ti, pgoff_t pgoff, long nr_pages,
			     enum dax_access_mode mode, void **kaddr, pfn_t *pfn);
int daxlinear_zero_page_range(struct dm_target *ti, pgoff_t pgoff, size_t nr_pages);
size_t daxlinear_recovery_write(struct dm_target *ti, pgoff_t pgoff, void *addr,
				size_t bytes, struct iov_iter *i);
long daxlinear_seamless(struct dm_target *ti, const struct daxlinear_range *range,
			pgoff_t pgoff, long nr_pages, enum dax_access_mode mode, void **kaddr);
void daxlinear_seam_init(void);
void daxlinear_seam_exit(void);
void daxlinear_status(struct dm_target *ti, status_type_t type, unsigned int status_flags,
		      char *result, unsigned int maxlen);

#endif
