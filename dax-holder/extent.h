/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Translate between the offsets of a parent and of its children.  This is plain arithmetic,
 * which the unit tests compile in userspace.
 */
#ifndef DAX_HOLDER_EXTENT_H
#define DAX_HOLDER_EXTENT_H

#include <linux/types.h>

struct dxh_child;

/*
 * A part of a parent that lies in one piece on a child.  It ends where the next extent starts,
 * so an array of extents ends with an extra one that has no child.
 */
struct dxh_extent {
	u64 parent_bytes;
	u64 child_bytes;	/* in the child's dax_device */
	struct dxh_child *child;
};

const struct dxh_extent *dxh_extent_from(const struct dxh_extent *extents, unsigned int nr,
					 u64 parent_bytes);
const struct dxh_extent *dxh_extent_at(const struct dxh_extent *extents, unsigned int nr,
				       u64 parent_bytes);
bool dxh_extent_window(const struct dxh_extent *extent, u64 first, u64 last, u64 from,
		       u64 *start, u64 *end);

#endif
