/* SPDX-License-Identifier: GPL-2.0 */
/* The picture of a mapped device: one strip for each disk at the bottom of it. */
#ifndef PICTURE_H
#define PICTURE_H

#include <stdio.h>

#include "health/bad.h"

enum mark_kind {
	MARK_OTHER,	/* another device uses this part */
	MARK_USED,	/* the device uses this part */
	MARK_STRIPED,	/* stripes of the device use this part */
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
	struct mark *marks;	/* drawn in this order, so a later kind covers an earlier one */
	size_t nr;
	char *others;		/* what other devices use of it, "" if none does */
	char *text;		/* what is used of it, by the device and by others */
};

struct picture {
	char *title;
	const char *unused;	/* what to call the space that no device uses */
	uint64_t group_bytes;	/* 0 if there is no XFS */
	struct strip *strips;
	size_t nr;
	uint64_t widest_bytes;
};

bool picture_has(const struct picture *picture, enum mark_kind kind);
void strip_mark(struct strip *strip, enum mark_kind kind, uint64_t first, uint64_t len);
void picture_add_others(struct picture *picture, const struct stack *stack,
			const struct device *device);
void picture_make(struct picture *picture, const struct stack *stack,
		  const struct device *device);
void picture_print(const struct picture *picture, int columns);
void picture_svg(const struct picture *picture, FILE *file);

#endif
