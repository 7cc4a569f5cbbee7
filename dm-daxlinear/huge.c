// SPDX-License-Identifier: GPL-2.0
/*
 * Find the first range that loses mappings of PMD_SIZE: 2 MiB on x86, and on arm64 as much as
 * its page size gives.
 *
 * Such a mapping needs PMD_SIZE bytes of one range, contiguous in memory and aligned both there
 * and in the mapped device.  So each stretch of contiguous memory in a range has to start on a
 * boundary of both; only the last one may end off a boundary.  On a mapped child a range may
 * have many stretches, but up to the first one that loses mappings there is at most one for each
 * PMD_SIZE.
 */
#include <linux/sched.h>

#include "daxlinear.h"

#define PMD_PAGES	(PMD_SIZE / PAGE_SIZE)
#define LOST		"A range would lose PMD mappings"

static long stretch(const struct daxlinear_range *range, pgoff_t page, long nr_pages,
		    enum dax_access_mode mode, unsigned long *pfn)
{
	pfn_t found;
	long nr;
	int id;

	id = dax_read_lock();
	nr = dax_direct_access(range->dev->dax_dev, daxlinear_page(range, page), nr_pages,
			       mode, NULL, &found);
	dax_read_unlock(id);
	if (nr > 0)
		*pfn = pfn_t_to_pfn(found);
	return nr;
}

/*
 * Does a line of the child's table end before @page, though memory is contiguous there?  Then
 * another stretch starts.  A bad page, too, ends an answer in recovery mode, but it changes no
 * alignment, so ask in the other mode.
 */
static bool is_seam(const struct daxlinear_range *range, pgoff_t page)
{
	unsigned long pfn;

	return stretch(range, page - 1, 2, DAX_ACCESS, &pfn) == 1;
}

/*
 * With align_pmd refuse range @i if it loses PMD mappings.  Without it record the first range
 * that does, for the status line.
 */
int daxlinear_check_pmd(struct dm_target *ti, unsigned int i)
{
	struct daxlinear *dl = ti->private;
	const struct daxlinear_range *range = &dl->table.ranges[i];
	unsigned long pfn = 0, next = ULONG_MAX;
	pgoff_t page;
	const char *option;
	u64 sector;
	long nr = 0;

	if (dl->lost_pmd < i)
		return 0;
	for (page = range->start; page < range[1].start; page += nr, next = pfn + nr) {
		nr = stretch(range, page, daxlinear_left(range, page), DAX_RECOVERY_WRITE, &pfn);
		if (nr < 0 || ((page | pfn) % PMD_PAGES && (pfn != next || is_seam(range, page))))
			break;
		cond_resched();
	}
	if (page == range[1].start)
		return 0;
	dl->lost_pmd = i;
	if (!dl->table.align_pmd && !dl->table.align_2m)
		return 0;

	option = dl->table.align_pmd ? "align_pmd" : "align_2m";
	sector = daxlinear_offset(range) + ((page - range->start) << PAGE_SECTORS_SHIFT);
	if (nr < 0)
		return daxlinear_refuse(ti, nr, LOST,
					"range %u: offset %llu on %pg has no memory (%pe); see to that device, or leave %s out",
					i, sector, range->dev->bdev, ERR_PTR(nr), option);
	return daxlinear_refuse(ti, -EINVAL, LOST,
				"range %u: sector %llu of the mapped device and offset %llu on %pg, in memory %llu sectors past a boundary, are not both on %lu MiB; align both, or leave %s out",
				i, (u64)page << PAGE_SECTORS_SHIFT, sector, range->dev->bdev,
				(u64)(pfn % PMD_PAGES) << PAGE_SECTORS_SHIFT, PMD_SIZE >> 20,
				option);
}
