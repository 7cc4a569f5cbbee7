/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From a child's failed bytes to windows of a parent: the claims of several tables of the
 * parent, walked window by window as the failure path does, against an oracle that looks at
 * every page of every extent.
 */
#ifndef EXTENT_CASE_H
#define EXTENT_CASE_H

#include <linux/mm.h>

#include "../../dax-holder/extent.h"
#include "unit.h"

#define MAX_CLAIMS	4
#define MAX_EXTENTS	40
#define CHILD_PAGES	48
#define PARENT_PAGES	128

struct claim {
	unsigned int nr;
	struct dxh_extent extents[MAX_EXTENTS + 1];
};

static u64 child_base, parent_base;

/* Extents that follow one another in the parent, up to its end at most. */
static void random_claim(struct claim *claim)
{
	u64 parent = unit_below(PARENT_PAGES - 1), len, child;
	unsigned int max = 1 + unit_below(unit_below(8) ? 4 : MAX_EXTENTS);
	struct dxh_extent *e = claim->extents;

	for (claim->nr = 0; claim->nr < max && parent < PARENT_PAGES; claim->nr++, e++) {
		child = unit_below(CHILD_PAGES);
		len = 1 + unit_below(8);
		len = len > CHILD_PAGES - child ? CHILD_PAGES - child : len;
		len = len > PARENT_PAGES - parent ? PARENT_PAGES - parent : len;
		e->child_bytes = child_base + child * PAGE_SIZE;
		e->parent_bytes = parent_base + parent * PAGE_SIZE;
		parent += len;
	}
	e->parent_bytes = parent_base + parent * PAGE_SIZE;
}

static u64 extent_len(const struct dxh_extent *e)
{
	return e[1].parent_bytes - e->parent_bytes;
}

/* The failure path's next_window(). */
static bool next_window(const struct claim *claims, unsigned int nr_claims, u64 first, u64 last,
			u64 from, u64 *start, u64 *end)
{
	bool found = false;
	unsigned int c;

	for (c = 0; c < nr_claims; c++) {
		const struct dxh_extent *extents = claims[c].extents;
		const struct dxh_extent *e = dxh_extent_from(extents, claims[c].nr, from);
		u64 at, behind;

		CHECK(e == extents || e->parent_bytes <= from);
		for (; e < extents + claims[c].nr; e++) {
			CHECK(e[1].parent_bytes > from);
			if (!dxh_extent_window(e, first, last, from, &at, &behind))
				continue;
			CHECK(at >= from && at >= e->parent_bytes && at < behind &&
			      behind <= e[1].parent_bytes);
			if (!found || at < *start) {
				*start = at;
				*end = behind;
			}
			found = true;
			break;
		}
	}
	return found;
}

/* The oracle: does an extent of any claim map a page of these to the parent's page? */
static bool maps(const struct claim *claims, unsigned int nr_claims, u64 first, u64 last,
		 u64 parent)
{
	unsigned int c, i;

	for (c = 0; c < nr_claims; c++)
		for (i = 0; i < claims[c].nr; i++) {
			const struct dxh_extent *e = &claims[c].extents[i];
			u64 child = e->child_bytes + (parent - e->parent_bytes);

			if (parent >= e->parent_bytes &&
			    parent - e->parent_bytes < extent_len(e) &&
			    child >= first && child <= last)
				return true;
		}
	return false;
}

/* What lies at a place of the parent: by hand, extent after extent. */
static void check_at(const struct claim *claim, u64 parent)
{
	const struct dxh_extent *at = dxh_extent_at(claim->extents, claim->nr, parent);
	const struct dxh_extent *want = NULL;
	unsigned int i;

	for (i = 0; i < claim->nr; i++)
		if (parent >= claim->extents[i].parent_bytes &&
		    parent < claim->extents[i + 1].parent_bytes)
			want = &claim->extents[i];
	CHECK(at == want);
}

/* One case, made of the numbers that unit_below() gives. */
static void extent_case(void)
{
	unsigned int nr_claims = 1 + unit_below(MAX_CLAIMS), c;
	u64 first_page = unit_below(CHILD_PAGES), pages, first, last, page;
	u64 from = 0, start = 0, end = 0, next;
	struct claim claims[MAX_CLAIMS];

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

	check_at(&claims[0], parent_base + unit_below(PARENT_PAGES + 1) * PAGE_SIZE);
	/* Each page is in a window or between two, as the oracle wants it. */
	next = parent_base;
	while (next_window(claims, nr_claims, first, last, from, &start, &end)) {
		for (page = next; page < start; page += PAGE_SIZE)
			CHECK(!maps(claims, nr_claims, first, last, page));
		for (; page < end; page += PAGE_SIZE)
			CHECK(maps(claims, nr_claims, first, last, page));
		from = end;
		next = end;
	}
	for (page = next; page < parent_base + PARENT_PAGES * PAGE_SIZE; page += PAGE_SIZE)
		CHECK(!maps(claims, nr_claims, first, last, page));
}

#endif
