/* SPDX-License-Identifier: GPL-2.0 */
/* The history of a device that is replaced, and of the one that takes its place. */
#ifndef LOST_H
#define LOST_H

#include "health/bad.h"
#include "replace/copy.h"

/* Where a child of a mapped device is. */
struct place {
	uint64_t start_bytes;	/* in the mapped device */
	uint64_t len_bytes;
	dev_t dev;
	uint64_t offset_bytes;	/* on dev */
};

void lost_find_bad(struct copy *copy, const struct bads *bads, const struct place *old);
const char *lost_is_bad(const struct place *new);
void lost_note(const struct copy *copy, const struct bads *bads, const struct place *old,
	       const struct place *new);

#endif
