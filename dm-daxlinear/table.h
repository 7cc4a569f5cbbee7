/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A table line taken apart, and the way from a sector of the target to a sector
 * of a device: code that needs no kernel and that the unit tests compile in
 * userspace.
 */
#ifndef DAXLINEAR_TABLE_H
#define DAXLINEAR_TABLE_H

#include <linux/mm.h>
#include <linux/types.h>

/* Every boundary lies on a page of the children's dax_devices. */
#define DAXLINEAR_PAGE_SECTORS	(PAGE_SIZE >> 9)

/* One range: from @start in the target to the start of the next one. */
struct daxlinear_range {
	sector_t start;		/* in the target */
	sector_t offset;	/* on the device */
	u32 dev;		/* which device */
};

/**
 * struct daxlinear_table - a table line
 * @nr_ranges: How many ranges there are, at least one.
 * @align_2m: Refuse ranges that lose 2 MiB mappings.
 * @allow_move: May move what a mounted filesystem maps.
 * @ranges: @nr_ranges of them and one more, whose start is the target's end.
 * @granule_shift: Every range but the first starts on a multiple of so many sectors,
 *	as a power of two.
 * @index: Which range holds each granule, or NULL if that would take too much room
 *	and a search has to do.
 */
struct daxlinear_table {
	unsigned int nr_ranges;
	bool align_2m;
	bool allow_move;
	struct daxlinear_range *ranges;
	unsigned int granule_shift;
	u32 *index;
};

#define DAXLINEAR_MSG_LEN	160

int daxlinear_count_ranges(unsigned int argc, char **argv, unsigned int *nr_ranges,
			   char *msg);
int daxlinear_parse(struct daxlinear_table *table, sector_t begin, sector_t len,
		    unsigned int argc, char **argv, char *msg);
size_t daxlinear_index_len(struct daxlinear_table *table);
void daxlinear_fill_index(struct daxlinear_table *table);
const char *daxlinear_path(unsigned int argc, char **argv, unsigned int range);

/* The range that holds @sector of the target. */
static inline const struct daxlinear_range *
daxlinear_find(const struct daxlinear_table *table, sector_t sector)
{
	unsigned int low = 0, high = table->nr_ranges;

	if (table->index)
		return &table->ranges[table->index[sector >> table->granule_shift]];

	while (high - low > 1) {
		unsigned int mid = low + (high - low) / 2;

		if (table->ranges[mid].start <= sector)
			low = mid;
		else
			high = mid;
	}
	return &table->ranges[low];
}

/* How many sectors are left in @range from @sector of the target on. */
static inline sector_t daxlinear_left(const struct daxlinear_range *range, sector_t sector)
{
	return range[1].start - sector;
}

/* Where @sector of the target lies on the device of @range. */
static inline sector_t daxlinear_sector(const struct daxlinear_range *range, sector_t sector)
{
	return range->offset + (sector - range->start);
}

#endif
