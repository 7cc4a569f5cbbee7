// SPDX-License-Identifier: GPL-2.0
#include <linux/minmax.h>

#include "extent.h"

/*
 * The first of the @nr extents that ends behind the parent's offset; the one behind all if
 * none does.
 */
const struct dxh_extent *dxh_extent_from(const struct dxh_extent *extents, unsigned int nr,
					 u64 parent_bytes)
{
	unsigned int low = 0, high = nr;

	/* Those before @low end at or before the offset, those from @high on behind it. */
	while (low < high) {
		unsigned int mid = low + (high - low) / 2;

		if (extents[mid + 1].parent_bytes <= parent_bytes)
			low = mid + 1;
		else
			high = mid;
	}
	return &extents[low];
}

/* The one of the @nr extents that holds the parent's offset, or NULL. */
const struct dxh_extent *dxh_extent_at(const struct dxh_extent *extents, unsigned int nr,
				       u64 parent_bytes)
{
	const struct dxh_extent *extent = dxh_extent_from(extents, nr, parent_bytes);

	if (extent == &extents[nr] || extent->parent_bytes > parent_bytes)
		return NULL;
	return extent;
}

/*
 * Where the parent, from its offset @from on, maps the child's bytes @first to @last by
 * @extent: from @start to before @end.  Returns false if nowhere.
 */
bool dxh_extent_window(const struct dxh_extent *extent, u64 first, u64 last, u64 from,
		       u64 *start, u64 *end)
{
	u64 len = extent[1].parent_bytes - extent[0].parent_bytes;
	u64 child_last = extent->child_bytes + len - 1;

	if (extent->child_bytes > last || child_last < first)
		return false;
	*start = max(first, extent->child_bytes) - extent->child_bytes + extent->parent_bytes;
	*start = max(*start, from);
	*end = min(last, child_last) - extent->child_bytes + extent->parent_bytes + 1;
	return *start < *end;
}
