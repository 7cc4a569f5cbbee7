/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A table line taken apart, and the way from a page of the mapped device to a page
 * of a child: code that needs no kernel and that the unit tests compile in userspace.
 */
#ifndef DAXLINEAR_TABLE_H
#define DAXLINEAR_TABLE_H

#include <linux/mm.h>
#include <linux/types.h>

struct dm_dev;

/* Every boundary lies on a page of the children's dax_devices. */
#define DAXLINEAR_PAGE_SECTORS	(PAGE_SIZE >> 9)

/**
 * struct daxlinear_range - a range, as long as to the start of the next one
 * @start: Its first page, in the mapped device.
 * @delta: From a page there to the page on the child's dax_device, modulo 2^64.
 * @dev: The child.
 */
struct daxlinear_range {
	pgoff_t start;
	pgoff_t delta;
	struct dm_dev *dev;
};

/**
 * struct daxlinear_table - a table line
 * @nr_ranges: How many ranges there are, at least one.
 * @align_2m: Refuse ranges that lose 2 MiB mappings.
 * @allow_move: May move what a mounted filesystem maps.
 * @granule_inverse: 2^32 divided by the granule, which is a power of two of pages
 *	that divides all boundaries, counted from the target's start.
 * @index: Which range holds each granule, or NULL if there are no more than two, or
 *	if that would take too much room and a search has to do.
 * @ranges: @nr_ranges of them and one more, whose start is the target's end.
 */
struct daxlinear_table {
	unsigned int nr_ranges;
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
 * In which granule @page is.
 *
 * A product and not a shift by a variable: for that x86 wants a register in which
 * direct_access has an argument, and all its ways would pay for the move.
 *
 * It does not overflow: it is below 2^32 times the number of granules, which is the length
 * of the index, and that daxlinear_index_len() keeps within a few times nr_ranges.
 */
static inline u64 daxlinear_granule(const struct daxlinear_table *table, pgoff_t page)
{
	return (page - table->ranges[0].start) * table->granule_inverse >> 32;
}

/* The range that holds @page, by the index. */
static inline const struct daxlinear_range *
daxlinear_indexed(const struct daxlinear_table *table, pgoff_t page)
{
	return &table->ranges[table->index[daxlinear_granule(table, page)]];
}

/* How many pages are left in @range from @page of the mapped device on. */
static inline pgoff_t daxlinear_left(const struct daxlinear_range *range, pgoff_t page)
{
	return range[1].start - page;
}

/* Where @page of the mapped device lies on the child of @range. */
static inline pgoff_t daxlinear_page(const struct daxlinear_range *range, pgoff_t page)
{
	return page + range->delta;
}

#endif
