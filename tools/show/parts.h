/* SPDX-License-Identifier: GPL-2.0 */
/* Which parts of the devices at the bottom a mapped device uses, those of its stripes, too. */
#ifndef PARTS_H
#define PARTS_H

#include "device/stack.h"

struct part {
	dev_t dev;
	uint64_t first_sectors;
	uint64_t len_sectors;
	bool striped;		/* which of it is used for what place is not drawn */
};

struct parts {
	struct part *parts;
	size_t nr;
};

void parts_find(struct parts *parts, const struct stack *stack, const struct device *device);
void parts_free(struct parts *parts);
bool is_above(const struct stack *stack, dev_t above, dev_t below);

#endif
