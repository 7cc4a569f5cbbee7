// SPDX-License-Identifier: GPL-2.0
/* Bad ranges, joined where they touch, against a map of every block; and lines of counters. */
#include <string.h>

#include "../../tools/health/bad.h"
#include "../../tools/device/counters.h"
#include "unit.h"

/* Two children, which change over in the middle of the device. */
#define NR_BLOCKS	64
#define NR_FIRST	32

static void add(struct bads *bads, unsigned char *map, unsigned int first, unsigned int nr,
		unsigned int known_by)
{
	/* The second child has its blocks from elsewhere on. */
	struct bad bad = {
		.start_bytes = first,
		.len_bytes = nr,
		.dev = first < NR_FIRST ? 1 : 2,
		.offset_bytes = first < NR_FIRST ? first + 5 : first + 100,
		.known_by = known_by,
	};

	bads_add(bads, &bad);
	memset(map + first, 1, nr);
}

static void random_ranges(void)
{
	unsigned char map[NR_BLOCKS] = { 0 }, joined[NR_BLOCKS] = { 0 };
	unsigned int nr = unit_below(12), i, all_known = 0, known = 0;
	struct bads bads = { 0 };
	uint64_t end = 0;
	size_t j;

	for (i = 0; i < nr; i++) {
		unsigned int first = unit_below(NR_BLOCKS), limit;

		limit = first < NR_FIRST ? NR_FIRST : NR_BLOCKS;
		add(&bads, map, first, 1 + unit_below(limit - first), 1 << unit_below(4));
		all_known |= bads.bads[i].known_by;
	}
	bads_merge(&bads);
	for (j = 0; j < bads.nr; j++) {
		const struct bad *bad = &bads.bads[j];

		CHECK(bad->len_bytes);
		/* In order, and a gap before each, or another child. */
		CHECK(!j || bad->start_bytes > end ||
		      (bad->start_bytes == end && end == NR_FIRST));
		end = bad->start_bytes + bad->len_bytes;
		CHECK(bad->dev == (bad->start_bytes < NR_FIRST ? 1 : 2));
		CHECK(bad->offset_bytes == bad->start_bytes + (bad->dev == 1 ? 5 : 100));
		memset(joined + bad->start_bytes, 1, bad->len_bytes);
		known |= bad->known_by;
	}
	CHECK(!memcmp(map, joined, NR_BLOCKS));
	CHECK(known == all_known);
	free(bads.bads);
}

static void counter_lines(void)
{
	static const char * const odd[] = {
		"", "A 0", "1 2 3", "2 2 0 1 1 1 0", "2 2 0 1 1 1 0 x", "2 2 0 1 1 1 0 8x",
		"2 2 0 1 1 x 0 8", "2 2 0 1 1 1 0 8 x",
	};
	struct counters counters;
	size_t i;

	CHECK(counters_read(&counters, "3 2 1 10 9 8 2 4096"));
	CHECK(counters.ranges == 3 && counters.alive == 2 && counters.gone == 1);
	CHECK(counters.received == 10 && counters.forwarded == 9 && counters.handled == 8);
	CHECK(counters.generic == 2 && counters.failed && counters.last_sector == 4096);
	CHECK(counters_read(&counters, "1 1 0 0 0 0 0 -"));
	CHECK(!counters.failed && !counters.received);
	CHECK(!counters.loses_pmd);
	CHECK(counters_read(&counters, "1 1 0 0 0 0 0 - -") && !counters.loses_pmd);
	/* A later module may have more to say. */
	CHECK(counters_read(&counters, "1 1 0 5 0 0 5 0 17 1 2 3 4 more"));
	CHECK(counters.failed && counters.last_sector == 0 && counters.generic == 5);
	CHECK(counters.loses_pmd && counters.lost_pmd == 17);
	for (i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		CHECK(!counters_read(&counters, odd[i]) && !counters.failed);
}

int main(int argc, char **argv)
{
	unsigned long cases = argc > 1 ? strtoul(argv[1], NULL, 0) : 1000000;

	counter_lines();
	for (unit_case = 0; unit_case < cases; unit_case++)
		random_ranges();
	printf("bad: %lu random sets of ranges are joined as the oracle's\n", cases);
	return 0;
}
