/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAX_HOLDER_LIVE_H
#define DAX_HOLDER_LIVE_H

#include "claim.h"
#include "device.h"

/**
 * struct dxh_search - where a part of a parent maps a part of a child's memory
 * @parent: The parent,
 * @parent_start: from this offset
 * @parent_end: to before this one.
 * @child: The child,
 * @child_at: what of it is left to look for, from here
 * @child_end: to before here,
 * @child_len: as long as one piece of memory reaches, 0 if that is still to be found out,
 * @pfn: which starts at this page frame.
 * @at: Where to look for that piece next in the parent.
 * @hit_parent: Found: at this offset of the parent,
 * @hit_child: this one of the child,
 * @hit_len: for so many bytes.
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
