/* SPDX-License-Identifier: GPL-2.0 */
/* Whether a device and the XFS on it are as they should be. */
#ifndef CHECK_H
#define CHECK_H

#include "device/dm.h"
#include "device/stack.h"

/* One thing that was looked at. */
struct finding {
	const char *name;	/* for programs */
	bool good;
	char *text;		/* what is so, and if that is bad what it means */
};

struct findings {
	struct finding *findings;
	size_t nr;
	size_t nr_bad;
};

void check_device(struct findings *findings, const struct stack *stack,
		  const struct mapped *mapped);

#endif
