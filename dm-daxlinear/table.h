/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A parsed table line, and the translation of a page of the mapped device to a page of a child.
 * This code needs no kernel; the unit tests compile it in userspace.
 */
#ifndef DAXLINEAR_TABLE_H
#define DAXLINEAR_TABLE_H

#include <linux/compiler.h>
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

/*
 * Numbers of ranges up to which other ways are taken.  They compete with device-mapper's tree,
 * which has 8 keys in a node, and 9 children.
 */
#define DAXLINEAR_FEW		8U	/* one by one */
#define DAXLINEAR_SOME		(9 * DAXLINEAR_FEW)	/* no index */
#define DAXLINEAR_MANY		199	/* strides */
#define DAXLINEAR_STRIDE	32

/**
 * struct daxlinear_table - a table line
 * @nr_ranges: Number of ranges, at least one.
 * @align_pmd: Refuse ranges that lose PMD mappings.
 * @align_2m: The same by its older name, which the table is printed with again.
 * @allow_move: The table may move what a device in use maps.
 * @half: Half of the largest power of two that is not above @nr_ranges.
 * @bucket_inverse: 2^32 divided by the pages of a bucket, a power of two.
 * @index: The first range in each bucket.  NULL if there are at most DAXLINEAR_SOME ranges.
 * @upper: The last 2 * @half ranges.
 * @ranges: @nr_ranges ranges, and extra ones whose start is the target's end: daxlinear_room().
 */
struct daxlinear_table {
	unsigned int nr_ranges;
	bool align_pmd;
	bool align_2m;
	bool allow_move;
	unsigned int half;
	u64 bucket_inverse;
	u32 *index;
	const struct daxlinear_range *upper;
	struct daxlinear_range ranges[];
};

#define DAXLINEAR_MSG_LEN	160

/*
 * Return how many ranges a table has room for.  A search reads the start of the range a stride
 * ahead.
 */
static inline size_t daxlinear_room(unsigned int nr_ranges)
{
	return (size_t)nr_ranges + (nr_ranges > DAXLINEAR_FEW ? DAXLINEAR_STRIDE : 1);
}

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
 * Return the bucket that contains @page.
 *
 * This multiplies by the inverse instead of shifting: x86 needs %cl for a shift by a variable,
 * and %cl holds an argument of direct_access, so that the compiler would save it on every path.
 *
 * The product does not overflow: it is less than 2^32 times the number of buckets, which
 * daxlinear_index_len() limits.
 */
static inline u64 daxlinear_bucket(const struct daxlinear_table *table, pgoff_t page)
{
	return (page - table->ranges[0].start) * table->bucket_inverse >> 32;
}

/* Return the first range in the bucket that contains @page. */
static inline const struct daxlinear_range *
daxlinear_first(const struct daxlinear_table *table, pgoff_t page)
{
	return &table->ranges[table->index[daxlinear_bucket(table, page)]];
}

/*
 * The functions below return the range that contains @page, which is @range or a later one.  This
 * one looks at each.
 *
 * The compiler would keep the last start that was read, which takes a register and makes each
 * step dearer.  So the range that was found is hidden from it.
 */
static inline const struct daxlinear_range *
daxlinear_scan(const struct daxlinear_range *range, pgoff_t page)
{
	while (page >= range[1].start)
		range++;
	OPTIMIZER_HIDE_VAR(range);
	return range;
}

/* This one goes on in strides. */
static inline const struct daxlinear_range *
daxlinear_stride(const struct daxlinear_range *range, pgoff_t page)
{
	while (page >= range[DAXLINEAR_STRIDE].start)
		range += DAXLINEAR_STRIDE;
	while (page >= range[DAXLINEAR_FEW].start)
		range += DAXLINEAR_FEW;
	return daxlinear_scan(range, page);
}

/* Whether it may take too many strides. */
static inline bool daxlinear_is_far(const struct daxlinear_table *table,
				    const struct daxlinear_range *range, pgoff_t page)
{
	return page >= range[DAXLINEAR_STRIDE].start && table->nr_ranges > DAXLINEAR_MANY;
}

/* This one goes on by @step or not at all. */
static inline const struct daxlinear_range *
daxlinear_step(const struct daxlinear_range *range, pgoff_t page, unsigned int step)
{
	return page >= range[step].start ? range + step : range;
}

/*
 * This one bisects all of many ranges: the first or the last 2 * @half, and each step halves those
 * that are left.  A loop would take twice as many instructions.
 */
static inline const struct daxlinear_range *
daxlinear_bisect(const struct daxlinear_table *table, pgoff_t page)
{
	const struct daxlinear_range *range = table->ranges;
	unsigned int step = table->half;

	if (page >= table->upper->start)
		range = table->upper;
	switch (step) {
	default:
		for (; step > 32768; step /= 2)
			range = daxlinear_step(range, page, step);
		fallthrough;
	case 32768:
		range = daxlinear_step(range, page, 32768);
		fallthrough;
	case 16384:
		range = daxlinear_step(range, page, 16384);
		fallthrough;
	case 8192:
		range = daxlinear_step(range, page, 8192);
		fallthrough;
	case 4096:
		range = daxlinear_step(range, page, 4096);
		fallthrough;
	case 2048:
		range = daxlinear_step(range, page, 2048);
		fallthrough;
	case 1024:
		range = daxlinear_step(range, page, 1024);
		fallthrough;
	case 512:
		range = daxlinear_step(range, page, 512);
		fallthrough;
	case 256:
		range = daxlinear_step(range, page, 256);
		fallthrough;
	case 128:
		range = daxlinear_step(range, page, 128);
		fallthrough;
	case 64:
		range = daxlinear_step(range, page, 64);
	}
	range = daxlinear_step(range, page, 32);
	range = daxlinear_step(range, page, 16);
	range = daxlinear_step(range, page, 8);
	range = daxlinear_step(range, page, 4);
	range = daxlinear_step(range, page, 2);
	range = daxlinear_step(range, page, 1);
	OPTIMIZER_HIDE_VAR(range);
	return range;
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
