/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Open seams: where one piece of a device ends and another begins, and no target sees to it that
 * the kernel's copy-on-write for DAX goes on with the second.  It goes on behind the first.
 */
#ifndef SEAMS_H
#define SEAMS_H

#include "device/stack.h"

#define SEAMS_HARM \
	"copy-on-write (reflink) reads and overwrites what lies behind a piece, other files or other volumes, and no error says so"

struct seams {
	size_t nr;		/* that there are; 0: the rest is not set */
	uint64_t first_bytes;
	bool is_inside;		/* a target that maps in pieces of its own: there are many more */
	const struct device *device;	/* in whose table the first is: itself or one below */
	const char *type;	/* of the target that ends there */
};

void seams_find(struct seams *seams, const struct stack *stack, const struct device *device,
		uint64_t ag_bytes, uint64_t end_bytes);
char *seams_text(const struct seams *seams);
char *seams_way_out(const struct seams *seams);

#endif
