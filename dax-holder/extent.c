// SPDX-License-Identifier: GPL-2.0
#include <linux/minmax.h>

#include "extent.h"

/*
 * Return the first of the @nr extents that ends after the parent's offset, or the extra one at
 * the end of the array if there is none.
 */
const struct dxh_extent *dxh_extent_from(const struct dxh_extent *extents, unsigned int nr,
					 u64 parent_bytes)
{
	unsigned int low = 0, high = nr;

	/* Extents before @low end at or before the offset, those from @high on after it. */
	while (low < high) {
		unsigned int mid = low + (high - low) / 2;

		if (extents[mid + 1].parent_bytes <= parent_bytes)
			low = mid + 1;
		else
			high = mid;
	}
	return &extents[low];
}

/* Return the one of the @nr extents that contains the parent's offset, or NULL. */
const struct dxh_extent *dxh_extent_at(const struct dxh_extent *extents, unsigned int nr,
				       u64 parent_bytes)
{
	const struct dxh_extent *extent = dxh_extent_from(extents, nr, parent_bytes);

	if (extent == &extents[nr] || extent->parent_bytes > parent_bytes)
		return NULL;
	return extent;
}

/*
 * Find where @extent maps bytes @first to @last of the child, in the parent at @from or later:
 * from @start to before @end.  Returns false if there is no such place.
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
