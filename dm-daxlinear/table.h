/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A parsed table line, and the translation of a page of the mapped device to a page of a child.
 * This code needs no kernel; the unit tests compile it in userspace.
 */
#ifndef DAXLINEAR_TABLE_H
#define DAXLINEAR_TABLE_H

#include <linux/mm.h>
#include <linux/types.h>

struct dm_dev;

/* Every boundary lies on a page of the children's dax_devices. */
#define DAXLINEAR_PAGE_SECTORS	(PAGE_SIZE >> 9)

/**
 * struct daxlinear_range - a range, which ends where the next one starts
 * @start: First page of the range in the mapped device.
 * @delta: Distance from a page there to the page in the child's dax_device, modulo 2^64.
 * @dev: The child.
 */
struct daxlinear_range {
	pgoff_t start;
	pgoff_t delta;
	struct dm_dev *dev;
};

/**
 * struct daxlinear_table - a table line
 * @nr_ranges: Number of ranges, at least one.
 * @align_pmd: Refuse ranges that lose PMD mappings.
 * @align_2m: The same by its older name, which the table is printed with again.
 * @allow_move: The table may move what a device in use maps.
 * @granule_inverse: 2^32 divided by the granule.  The granule is in pages, a power of two that
 *	divides all boundaries, counted from the target's start.
 * @index: The range that contains each granule.  NULL if there are one or two ranges, or if
 *	the index would be too large; a binary search does then.
 * @ranges: @nr_ranges ranges and an extra one, whose start is the target's end.
 */
struct daxlinear_table {
	unsigned int nr_ranges;
	bool align_pmd;
	bool align_2m;
	bool allow_move;
	u64 granule_inverse;
	u32 *index;
	struct daxlinear_range ranges[];
};

#define DAXLINEAR_MSG_LEN	160

int daxlinear_count_ranges(unsigned int argc, char **argv, unsigned int *nr_ranges,
			   char *msg);
int daxlinear_parse(struct daxlinear_table *table, sector_t begin, sector_t len,
		    unsigned int argc, char **argv, char *msg);
size_t daxlinear_index_len(struct daxlinear_table *table);
void daxlinear_fill_index(struct daxlinear_table *table);
const char *daxlinear_path(unsigned int argc, char **argv, unsigned int range);
const struct daxlinear_range *daxlinear_find(const struct daxlinear_table *table,
					     pgoff_t page);

/*
 * Return the granule that contains @page.
 *
 * This multiplies by the inverse instead of shifting: x86 needs %cl for a shift by a variable,
 * and %cl holds an argument of direct_access, so that the compiler would save it on every path.
 *
 * The product does not overflow: it is less than 2^32 times the number of granules, which is the
 * length of the index, and daxlinear_index_len() limits that to a few times nr_ranges.
 */
static inline u64 daxlinear_granule(const struct daxlinear_table *table, pgoff_t page)
{
	return (page - table->ranges[0].start) * table->granule_inverse >> 32;
}

/* Return the range that contains @page, by the index. */
static inline const struct daxlinear_range *
daxlinear_indexed(const struct daxlinear_table *table, pgoff_t page)
{
	return &table->ranges[table->index[daxlinear_granule(table, page)]];
}

/* Return how many pages of @range are left from @page of the mapped device on. */
static inline pgoff_t daxlinear_left(const struct daxlinear_range *range, pgoff_t page)
{
	return range[1].start - page;
}

/* Return the page in the dax_device of @range that @page of the mapped device maps. */
static inline pgoff_t daxlinear_page(const struct daxlinear_range *range, pgoff_t page)
{
	return page + range->delta;
}

#endif
