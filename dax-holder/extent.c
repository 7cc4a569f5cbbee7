// SPDX-License-Identifier: GPL-2.0
#include <linux/minmax.h>

#include "extent.h"

bool hit_before(const struct hit *a, const struct hit *b)
{
	if (a->parent_id != b->parent_id)
		return a->parent_id < b->parent_id;
	if (a->shift_bytes != b->shift_bytes)
		return a->shift_bytes < b->shift_bytes;
	return a->parent_bytes < b->parent_bytes;
}

/*
 * Where the failure of the child's bytes @first to @last hits @extent, leaving
 * out what comes before @from.  Returns false if nothing is left.
 */
bool extent_hit(const struct extent *extent, u64 parent_id, u64 first, u64 last,
		const struct hit *from, struct hit *hit)
{
	u64 extent_last = extent->child_bytes + extent->len_bytes - 1;
	u64 start, skip;

	if (extent->child_bytes > last || extent_last < first)
		return false;

	start = max(first, extent->child_bytes);
	hit->parent_id = parent_id;
	hit->shift_bytes = extent->parent_bytes - extent->child_bytes;
	hit->parent_bytes = start + hit->shift_bytes;
	hit->len_bytes = min(last, extent_last) - start + 1;

	if (!hit_before(hit, from))
		return true;
	if (hit->parent_id != from->parent_id ||
	    hit->shift_bytes != from->shift_bytes)
		return false;

	skip = from->parent_bytes - hit->parent_bytes;
	if (skip >= hit->len_bytes)
		return false;
	hit->parent_bytes += skip;
	hit->len_bytes -= skip;
	return true;
}

/*
 * How many of @extents, sorted by their place in the child, make up one node of
 * the child's tree, and the last byte that the node covers.  A node is a few
 * ranges, to keep the memory for a range small, and mapped for a quarter at
 * least, so that volumes that lie interleaved on a child stay out of each
 * other's way.
 */
unsigned int extent_run(const struct extent *extents, unsigned int nr, u64 *last)
{
	u64 end = extents[0].child_bytes + extents[0].len_bytes;
	u64 mapped = extents[0].len_bytes;
	unsigned int i;

	for (i = 1; i < min(nr, EXTENT_RUN_MAX); i++) {
		const struct extent *r = &extents[i];

		if (r->child_bytes > end && (r->child_bytes - end) / 3 > mapped)
			break;
		mapped += r->len_bytes;
		end = max(end, r->child_bytes + r->len_bytes);
	}
	*last = end - 1;
	return i;
}
