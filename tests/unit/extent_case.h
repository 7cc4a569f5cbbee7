/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From a child's offset to its parents': claims of several parents on one child, cut
 * into runs as the module does, walked hit by hit as the failure path does, against an
 * oracle that looks at every page of every extent.
 */
#ifndef EXTENT_CASE_H
#define EXTENT_CASE_H

#include <linux/mm.h>

#include "../../dax-holder/extent.h"
#include "unit.h"

#define MAX_PARENTS	3
#define MAX_EXTENTS	40
#define CHILD_PAGES	48
#define PARENT_PAGES	128

struct claim {
	u64 parent_id;
	unsigned int nr;
	struct extent extents[MAX_EXTENTS];
};

static unsigned char told[MAX_PARENTS + 1][PARENT_PAGES][CHILD_PAGES];
static u64 child_base, parent_base;

static int by_child(const void *a, const void *b)
{
	const struct extent *x = a, *y = b;

	return (x->child_bytes > y->child_bytes) - (x->child_bytes < y->child_bytes);
}

static void random_claim(struct claim *claim)
{
	unsigned int i;

	claim->parent_id = 1 + unit_below(MAX_PARENTS);
	claim->nr = 1 + unit_below(unit_below(8) ? 4 : MAX_EXTENTS);
	for (i = 0; i < claim->nr; i++) {
		u64 child = unit_below(CHILD_PAGES), parent = unit_below(PARENT_PAGES);
		u64 len = 1 + unit_below(8);

		len = len > CHILD_PAGES - child ? CHILD_PAGES - child : len;
		len = len > PARENT_PAGES - parent ? PARENT_PAGES - parent : len;
		claim->extents[i].child_bytes = child_base + child * PAGE_SIZE;
		claim->extents[i].parent_bytes = parent_base + parent * PAGE_SIZE;
		claim->extents[i].len_bytes = len * PAGE_SIZE;
	}
	qsort(claim->extents, claim->nr, sizeof(claim->extents[0]), by_child);
}

/* The failure path's next_hit(), with a plain walk in the tree's place. */
static bool next_hit(const struct claim *claims, unsigned int nr_claims, u64 first, u64 last,
		     const struct hit *from, struct hit *best)
{
	bool found = false;
	unsigned int c, i, j, take;
	struct hit hit;
	u64 run_last;

	for (c = 0; c < nr_claims; c++)
		for (i = 0; i < claims[c].nr; i += take) {
			const struct extent *extents = &claims[c].extents[i];

			take = extent_run(extents, claims[c].nr - i, &run_last);
			CHECK(take >= 1 && take <= EXTENT_RUN_MAX && take <= claims[c].nr - i);
			if (extents[0].child_bytes > last || run_last < first)
				continue;
			for (j = 0; j < take; j++) {
				if (!extent_hit(&extents[j], claims[c].parent_id, first, last,
						from, &hit))
					continue;
				CHECK(!hit_before(&hit, from));
				CHECK(hit.len_bytes);
				if (!found || hit_before(&hit, best))
					*best = hit;
				found = true;
			}
		}
	return found;
}

/* The oracle: set what each page of each extent wants told; count what changed. */
static unsigned long mark(const struct claim *claims, unsigned int nr_claims, u64 first_page,
			  u64 pages, unsigned char value)
{
	unsigned long changed = 0;
	unsigned int c, i;
	u64 page;

	for (c = 0; c < nr_claims; c++)
		for (i = 0; i < claims[c].nr; i++) {
			const struct extent *e = &claims[c].extents[i];
			u64 child = (e->child_bytes - child_base) / PAGE_SIZE;
			u64 parent = (e->parent_bytes - parent_base) / PAGE_SIZE;

			for (page = 0; page < e->len_bytes / PAGE_SIZE; page++) {
				unsigned char *once =
					&told[claims[c].parent_id][parent + page][child + page];

				if (child + page < first_page ||
				    child + page >= first_page + pages || *once == value)
					continue;
				*once = value;
				changed++;
			}
		}
	return changed;
}

/* One case, made of the numbers that unit_below() gives. */
static void extent_case(void)
{
	unsigned int nr_claims = 1 + unit_below(4), c;
	unsigned long untold;
	u64 first_page = unit_below(CHILD_PAGES), pages, first, last, page;
	struct claim claims[4];
	struct hit from = {0}, hit;

	/* Every now and then at the end of what 64 bits hold. */
	child_base = unit_below(4) ? unit_below(1 << 20) * PAGE_SIZE :
		     -(u64)(CHILD_PAGES + 1) * PAGE_SIZE;
	parent_base = unit_below(4) ? unit_below(1 << 20) * PAGE_SIZE :
		      -(u64)(PARENT_PAGES + 1) * PAGE_SIZE;
	for (c = 0; c < nr_claims; c++)
		random_claim(&claims[c]);

	pages = unit_below(2) ? 1 : 1 + unit_below(CHILD_PAGES - first_page);
	first = child_base + first_page * PAGE_SIZE;
	last = first + (pages * PAGE_SIZE - 1);

	untold = mark(claims, nr_claims, first_page, pages, 1);

	while (next_hit(claims, nr_claims, first, last, &from, &hit)) {
		u64 child = hit_child_bytes(&hit);
		u64 step = PAGE_SIZE * (1 + unit_below(hit.len_bytes / PAGE_SIZE));

		CHECK(child >= first && child + (hit.len_bytes - 1) <= last);
		/* The caller may take less than a whole hit, and be given the rest. */
		for (page = 0; page < step / PAGE_SIZE; page++) {
			unsigned char *once = &told[hit.parent_id]
				[(hit.parent_bytes - parent_base) / PAGE_SIZE + page]
				[(child - child_base) / PAGE_SIZE + page];

			CHECK(*once == 1);
			*once = 2;
			untold--;
		}
		from = hit;
		from.parent_bytes += step;
	}
	CHECK(!untold);
	mark(claims, nr_claims, first_page, pages, 0);
}

#endif
