/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Open seams: one range of a device ends, the next begins, and they are on different lines.  The
 * kernel's copy-on-write for DAX then runs on past the end of the first, into whatever is there.
 */
#ifndef SEAMS_H
#define SEAMS_H

#include "device/stack.h"

#define SEAMS_HARM \
	"copy-on-write (reflink) reads and overwrites what lies behind a piece, other files or other volumes, and no error is reported"

struct seams {
	size_t nr;		/* 0: the other fields are not set */
	uint64_t first_bytes;
	bool is_inside;		/* the target splits its range by itself: there are many more */
	const struct device *device;	/* whose table has the first seam */
	const char *type;	/* of the target that ends there */
};

void seams_find(struct seams *seams, const struct stack *stack, const struct device *device,
		uint64_t ag_bytes, uint64_t end_bytes);
char *seams_text(const struct seams *seams);
char *seams_way_out(const struct seams *seams);

#endif
