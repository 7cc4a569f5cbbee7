/* SPDX-License-Identifier: GPL-2.0 */
/* The picture of a mapped device: one strip for each disk at the bottom of it. */
#ifndef PICTURE_H
#define PICTURE_H

#include <stdio.h>

#include "health/bad.h"

enum mark_kind {
	MARK_USED,	/* the device uses this part */
	MARK_GROUP,	/* an allocation group starts here */
	MARK_BAD,
	NR_MARKS,
};

struct mark {
	enum mark_kind kind;
	uint64_t first_bytes;	/* in the child */
	uint64_t len_bytes;
};

struct strip {
	dev_t dev;
	char *path;
	uint64_t size_bytes;
	uint64_t used_bytes;
	struct mark *marks;	/* drawn in this order, so a later kind covers an earlier one */
	size_t nr;
};

struct picture {
	char *title;
	uint64_t group_bytes;	/* 0 if there is no XFS */
	struct strip *strips;
	size_t nr;
	uint64_t widest_bytes;
};

void picture_make(struct picture *picture, const struct stack *stack,
		  const struct device *device);
void picture_print(const struct picture *picture, int columns);
void picture_svg(const struct picture *picture, FILE *file);

#endif
