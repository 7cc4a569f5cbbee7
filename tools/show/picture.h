/* SPDX-License-Identifier: GPL-2.0 */
/* What there is to draw of a mapped device: a strip for each child at the bottom. */
#ifndef PICTURE_H
#define PICTURE_H

#include <stdio.h>

#include "health/bad.h"

enum mark_kind {
	MARK_USED,	/* the device has this part */
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
	struct mark *marks;	/* those of a kind after those that they are drawn over */
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
