/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Translating a child's offsets into a parent's: plain arithmetic, which the
 * unit tests compile in userspace.
 */
#ifndef DAX_HOLDER_EXTENT_H
#define DAX_HOLDER_EXTENT_H

#include <linux/types.h>

/* A stretch of one child's dax_device and where its parent maps it. */
struct extent {
	u64 child_bytes;
	u64 parent_bytes;
	u64 len_bytes;
};

/*
 * Where a failure hits a parent.  Hits are ordered by parent, then by the shift
 * between child and parent, then by offset.  Two tables that map a page alike
 * have the same shift, so walking in this order meets them as one; a page that
 * is mapped twice has two shifts.
 */
struct hit {
	u64 parent_id;
	u64 shift_bytes;	/* parent's offset - child's, modulo 2^64 */
	u64 parent_bytes;
	u64 len_bytes;
};

static inline u64 hit_child_bytes(const struct hit *hit)
{
	return hit->parent_bytes - hit->shift_bytes;
}

/* How many ranges one node of a child's tree stands for, at most. */
#define EXTENT_RUN_MAX	16U

bool hit_before(const struct hit *a, const struct hit *b);
bool extent_hit(const struct extent *extent, u64 parent_id, u64 first, u64 last,
		const struct hit *from, struct hit *hit);
unsigned int extent_run(const struct extent *extents, unsigned int nr, u64 *last);

#endif
