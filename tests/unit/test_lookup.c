// SPDX-License-Identifier: GPL-2.0
/*
 * Look-ups in tables of any geometry: at the first and the last page of each range, they find that
 * range, in few steps.
 */
#include <string.h>

#include "../../dm-daxlinear/table.h"
#include "unit.h"

/* In strides of 32, 8 and 1 there are 7 + 3 + 7; bisecting 65,536 ranges takes 1 + 16. */
#define STEPS_MAX	17
#define TERABYTE	(1ULL << (40 - PAGE_SHIFT))
/* What device-mapper takes at most, in pages. */
#define DEVICE_MAX	(1ULL << (63 - PAGE_SHIFT))

static struct daxlinear_table *table;
static size_t index_len;

enum geometry {
	EQUAL, PAGES, ODD, ANY, FIRST_LARGE, LAST_LARGE, BOTH_LARGE, ONE_LARGE, GROWING, SHRINKING,
	LARGEST, GEOMETRIES,
};

/* The pages of range @i of @nr. */
static u64 len_of(enum geometry geometry, unsigned int nr, unsigned int i)
{
	switch (geometry) {
	case EQUAL:
		return 8;
	case ODD:
		return 1 + 2 * unit_below(32);
	case ANY:
		return 1 + unit_below(1ULL << unit_below(30));
	case FIRST_LARGE:
		return i ? 1 : TERABYTE;
	case LAST_LARGE:
		return i == nr - 1 ? TERABYTE : 1;
	case BOTH_LARGE:
		return i && i < nr - 1 ? 1 : TERABYTE;
	case ONE_LARGE:
		return i == nr / 3 ? 100 : 8;
	case GROWING:
		return 1ULL << 36 * i / nr;
	case SHRINKING:
		return 1ULL << 36 * (nr - 1 - i) / nr;
	case LARGEST:
		return i == nr / 2 ? DEVICE_MAX - nr : 1;
	default:
		return 1;
	}
}

static void make(unsigned int nr, u64 start, enum geometry geometry)
{
	unsigned int i;

	/* Exactly as large as it has to be, so that ASan sees a step too far. */
	table = malloc(sizeof(*table) + daxlinear_room(nr) * sizeof(table->ranges[0]));
	memset(table, 0, sizeof(*table));
	table->nr_ranges = nr;
	table->ranges[0].start = start;
	for (i = 0; i + 1 < daxlinear_room(nr); i++)
		table->ranges[i + 1].start = table->ranges[i].start +
					     (i < nr ? len_of(geometry, nr, i) : 0);
	index_len = daxlinear_index_len(table);
	if (!index_len)
		return;
	table->index = malloc(index_len * sizeof(*table->index));
	daxlinear_fill_index(table);
}

/* Steps from the range that the index gives, or the first one, to range @i. */
static unsigned int steps(unsigned int i, u64 page)
{
	const struct daxlinear_range *first;
	unsigned int left, logarithm = 0;

	if (table->nr_ranges <= DAXLINEAR_FEW)
		return i;
	first = table->index ? daxlinear_first(table, page) : table->ranges;
	CHECK(first <= &table->ranges[i]);
	left = &table->ranges[i] - first;
	if (!daxlinear_is_far(table, first, page))
		return left / DAXLINEAR_STRIDE + left % DAXLINEAR_STRIDE / DAXLINEAR_FEW +
		       left % DAXLINEAR_FEW;
	while (table->nr_ranges >> (logarithm + 1))
		logarithm++;
	return 1 + logarithm;
}

static void check(unsigned int i, u64 page)
{
	CHECK(daxlinear_find(table, page) == &table->ranges[i]);
	CHECK(steps(i, page) <= STEPS_MAX || table->nr_ranges > 65536);
}

/* Twice as many buckets as ranges, in pages or more of them. */
static void check_buckets(void)
{
	u64 len = table->ranges[table->nr_ranges].start - table->ranges[0].start;

	CHECK(!index_len == (table->nr_ranges <= DAXLINEAR_SOME));
	CHECK(index_len <= 2UL * table->nr_ranges || (u64)(index_len - 1) << 32 < len);
	CHECK(!index_len || index_len > table->nr_ranges || index_len == len);
}

static void check_geometry(unsigned int nr, u64 start, enum geometry geometry)
{
	unsigned int i;

	make(nr, start, geometry);
	check_buckets();
	for (i = 0; i < nr; i++) {
		u64 first = table->ranges[i].start, end = table->ranges[i + 1].start;

		check(i, first);
		check(i, end - 1);
		check(i, first + unit_below(end - first));
	}
	free(table->index);
	free(table);
}

static void check_size(unsigned int nr)
{
	enum geometry geometry;

	for (geometry = 0; geometry < GEOMETRIES; geometry++, unit_case++) {
		check_geometry(nr, 0, geometry);
		if (geometry != LARGEST)
			check_geometry(nr, unit_below(1ULL << 40), geometry);
	}
}

int main(int argc, char **argv)
{
	static const unsigned int sizes[] = {
		100, 127, 128, 255, 256, 257, 511, 512, 648, 649, 1023, 1024, 4096, 20001, 65535,
		65536, 140000,
	};
	unsigned long cases = argc > 1 ? strtoul(argv[1], NULL, 0) : 1000000;
	unsigned long i;
	unsigned int nr;

	for (nr = 1; nr <= 80; nr++)
		check_size(nr);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		check_size(sizes[i]);
	for (i = 0; i < cases / 20000; i++)
		check_size(1 + unit_below(1ULL << unit_below(14)));
	printf("lookup: %lu tables are searched right, in few steps\n", unit_case);
	return 0;
}
