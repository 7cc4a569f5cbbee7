/* SPDX-License-Identifier: GPL-2.0 */
/* Whether a device and the XFS on it are as they should be: Documentation/check.rst. */
#ifndef CHECK_H
#define CHECK_H

#include "device/dm.h"
#include "device/extents.h"
#include "device/stack.h"
#include "health/findings.h"

/* What the checks of one device look at. */
struct checked {
	const struct stack *stack;
	const struct device *device;
	const struct device **floors;	/* the device, and all mapped devices that it stands on */
	size_t nr_floors;
	struct extents extents;
	struct layout leaves;
};

void check_device(struct findings *findings, const struct stack *stack,
		  const struct mapped *mapped);
void check_filesystem(struct findings *findings, const struct stack *stack, dev_t dev);

/* The parts of it. */
void check_targets(struct findings *findings, const struct checked *checked);
void check_lines(struct findings *findings, const struct checked *checked);
bool check_suspended(struct findings *findings, const struct checked *checked);
void check_overlap(struct findings *findings, const struct checked *checked);
void check_members(struct findings *findings, const struct checked *checked);
void check_children(struct findings *findings, const struct checked *checked);
void check_failures(struct findings *findings, const struct checked *checked, bool ask);
void check_xfs(struct findings *findings, const struct checked *checked);

#endif
