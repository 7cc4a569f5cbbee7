/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The places where a parent maps failed pages.
 */
#ifndef DAX_HOLDER_WALK_H
#define DAX_HOLDER_WALK_H

#include "live.h"

/**
 * struct dxh_failure - a failure under way
 * @id: Its number in its lane.
 * @origin: The child that the kernel notified us of,
 * @first: what of it failed, from this byte
 * @last: to this one; whole pages,
 * @len_bytes: of which so many lie in one piece of memory,
 * @pfn: which starts at this page frame.
 * @mf_flags: For the holders.
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
 * struct dxh_walk - a walk through a parent, in rising order of its offsets
 * @failure: The failure,
 * @parent: the parent,
 * @from: and where in it to look next, once @search has come to its end.
 * @search: Has the place, in its hit_parent, hit_child and hit_len.
 */
struct dxh_walk {
	const struct dxh_failure *failure;
	struct dxh_device *parent;
	u64 from;
	struct dxh_search search;
};

bool dxh_walk_start(struct dxh_walk *w, const struct dxh_failure *failure,
		    struct dxh_device *parent);
bool dxh_walk_next(struct dxh_walk *w);
bool dxh_has_failed(const struct dxh_failure *failure, struct dxh_device *child);

#endif
