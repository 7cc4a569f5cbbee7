/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAX_HOLDER_LIVE_H
#define DAX_HOLDER_LIVE_H

#include "claim.h"
#include "device.h"

/**
 * struct dxh_search - a search of a window of a parent for a part of a child's memory
 * @parent: The parent.
 * @parent_start: Start of the window in the parent,
 * @parent_end: and its end, exclusive.
 * @child: The child.
 * @child_at: Start of the part of the child that is still to be searched for,
 * @child_end: and its end, exclusive.
 * @child_len: Length of the contiguous memory at @child_at; 0 if not yet looked up.
 * @pfn: First page frame of that memory.
 * @at: Offset in the parent at which the search for that memory continues.
 * @hit_parent: Result: offset of the place in the parent,
 * @hit_child: offset in the child,
 * @hit_len: and length.
 *
 * Offsets and lengths are in bytes and multiples of a page.
 */
struct dxh_search {
	const struct dxh_device *parent;
	u64 parent_start;
	u64 parent_end;
	const struct dxh_device *child;
	u64 child_at;
	u64 child_end;
	u64 child_len;
	u64 pfn;
	u64 at;
	u64 hit_parent;
	u64 hit_child;
	u64 hit_len;
};

u64 dxh_size(const struct dxh_device *device);
bool dxh_alive(const struct dxh_device *device);
u64 dxh_resolve(const struct dxh_device *device, u64 bytes, u64 len_bytes, u64 *pfn);
bool dxh_maps(const struct dxh_device *device, u64 bytes);
bool dxh_maps_one_run(const struct dxh_device *device);
bool dxh_same_page(const struct dxh_device *parent, u64 parent_bytes,
		   const struct dxh_device *child, u64 child_bytes, u64 *len_bytes);
struct dax_holder_claim *dxh_live_claim(const struct dxh_device *parent, u64 parent_bytes,
					const struct dxh_extent **extent);
bool dxh_search_next(struct dxh_search *s);

#endif
