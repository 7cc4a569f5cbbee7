/* SPDX-License-Identifier: GPL-2.0 */
/* The change from a child to the copy of it: Documentation/members.rst has the order. */
#ifndef SWAP_H
#define SWAP_H

#include "device/child.h"
#include "device/dm.h"
#include "member/set.h"

/* A child of a mapped device, and what takes its place. */
struct swap {
	struct mapped mapped;
	struct line line;		/* with the new child */
	const struct set *set;		/* NULL for a device without labels */
	const struct member *old;
	const struct child *new;
	unsigned int tag;
};

void swap_members(const struct swap *swap);
void swap_children(const struct swap *swap);
void swap_tab(const char *name, const struct line *line);

#endif
