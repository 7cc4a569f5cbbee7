/* SPDX-License-Identifier: GPL-2.0 */
/* The namespace of a child, also of one that is gone. */
#ifndef NAMESPACE_H
#define NAMESPACE_H

#include "health/history.h"

/* A child: the kernel's name and number, which it has or had. */
struct child_id {
	const char *disk;
	dev_t dev;
	bool gone;
};

char *namespace_find(const struct child_id *child, const struct history *history);

#endif
