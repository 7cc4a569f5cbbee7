/* SPDX-License-Identifier: GPL-2.0 */
/* The recorded bad ranges of a mapped device. */
#ifndef BAD_H
#define BAD_H

#include "device/stack.h"

/* Where a bad range is recorded. */
enum {
	BAD_MEDIA = 1,		/* the child's driver: its badblocks */
	BAD_FAILED = 2,		/* last failure of a target or an attachment */
	BAD_GONE = 4,		/* the child went away */
};

#define BAD_NOWHERE	UINT64_MAX

struct bad {
	uint64_t start_bytes;	/* in the mapped device */
	uint64_t len_bytes;
	dev_t dev;		/* at the bottom */
	uint64_t offset_bytes;	/* BAD_NOWHERE if the target's mapping is not parsed */
	unsigned int known_by;
};

struct bads {
	struct bad *bads;
	size_t nr;
};

void bads_add(struct bads *bads, const struct bad *bad);
void bads_merge(struct bads *bads);
void bads_collect(struct bads *bads, const struct stack *stack, const struct device *device);
void bads_free(struct bads *bads);
bool bads_have(const struct bads *bads, const struct bad *bad);
const char *bad_known_by(const struct bad *bad);

#endif
