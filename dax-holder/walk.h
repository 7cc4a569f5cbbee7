/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The places where a parent maps failed pages.
 */
#ifndef DAX_HOLDER_WALK_H
#define DAX_HOLDER_WALK_H

#include "live.h"

/**
 * struct dxh_failure - a failure in flight
 * @id: Number of the failure in its lane.
 * @origin: The child that the kernel notified dax_holder of.
 * @first: First byte of the origin that failed; start of a page.
 * @last: Last byte of it that failed; end of a page.
 * @len_bytes: Length of the contiguous memory at @first.
 * @pfn: First page frame of that memory.
 * @mf_flags: Flags for the holders, MF_*.
 * @gone: The whole origin goes away.
 */
struct dxh_failure {
	u64 id;
	struct dxh_device *origin;
	u64 first;
	u64 last;
	u64 len_bytes;
	u64 pfn;
	int mf_flags;
	bool gone;
};

/**
 * struct dxh_walk - a walk through a parent, in ascending order of its offsets
 * @failure: The failure.
 * @parent: The parent.
 * @from: Offset in the parent, in bytes, from which the next window is looked for when @search
 *	has ended.
 * @search: Search of the current window.  Its hit_parent, hit_child and hit_len are the place
 *	that was found last.
 */
struct dxh_walk {
	const struct dxh_failure *failure;
	struct dxh_device *parent;
	u64 from;
	struct dxh_search search;
};

/**
 * struct dxh_span - the part of a parent from the first place to the last one
 * @first: First byte of it in the parent.
 * @last: Last byte of it.  0 if there is no place: a place is a page at least.
 * @child_bytes: Offset in the child of the first place.
 */
struct dxh_span {
	u64 first;
	u64 last;
	u64 child_bytes;
};

bool dxh_walk_start(struct dxh_walk *w, const struct dxh_failure *failure,
		    struct dxh_device *parent);
bool dxh_walk_next(struct dxh_walk *w);
bool dxh_walk_span(const struct dxh_failure *failure, struct dxh_device *parent,
		   struct dxh_span *span);
bool dxh_has_failed(const struct dxh_failure *failure, struct dxh_device *child);

#endif
