/* SPDX-License-Identifier: GPL-2.0 */
/* A device that is to become part of a mapped device. */
#ifndef CHILD_H
#define CHILD_H

#include "device/line.h"
#include "device/stack.h"

struct child {
	const char *given;	/* the path, as the user has it */
	dev_t dev;
	int fd;
	uint64_t size_sectors;
	bool has_offset, has_len;
	uint64_t offset_sectors;	/* the range that is used */
	uint64_t len_sectors;
	uint64_t used_sectors;	/* of a member that grows: in front of the range, without a gap */
	bool may_overwrite;	/* what is on it is of no use */
};

struct children {
	struct child *children;
	size_t nr;
	bool force;
	bool known;		/* do not look for signatures */
	uint64_t granule_bytes;	/* what to trim to, 0 to pick one */
	uint64_t front_bytes;	/* what a label needs in front of each range, 0 for no label, */
	uint64_t gap_bytes;	/* what of that is in the partition, */
	uint64_t back_bytes;	/* and what a label needs behind the range */
	const char *own;	/* the device that they extend, NULL for a new one */
	const char *new_hint;	/* another way to make a device of children with data */
	const char *own_hint;	/* what to do if that maps one of them already */
};

void children_add(struct children *children, const char *given);
void children_add_range(struct children *children, const char *given, uint64_t offset_bytes,
			uint64_t len_bytes);
void child_open(struct child *child);
void children_open(struct children *children, const struct stack *stack);
uint64_t children_granule(const struct children *children);
void children_trim(struct children *children);
void children_line(const struct children *children, const struct stack *stack, struct line *line);

#endif
