// SPDX-License-Identifier: GPL-2.0
#include "util/alloc.h"
#include "health/check.h"

/* Read what the checks need; false if the device is no mapped device any more. */
static bool checked_begin(struct checked *checked, const struct stack *stack, dev_t dev)
{
	*checked = (struct checked){ .stack = stack, .device = stack_find(stack, dev) };
	if (!checked->device)
		return false;
	checked->nr_floors = stack_floors(stack, checked->device, &checked->floors);
	extents_read(&checked->extents, stack, dev);
	stack_flatten(stack, &checked->leaves, &checked->device->layout);
	return true;
}

static void checked_end(struct checked *checked)
{
	free(checked->floors);
	extents_free(&checked->extents);
	layout_free(&checked->leaves);
}

/**
 * check_device - check a device, all that it stands on and what is on it
 * @findings: What is found is added to these.
 * @stack: All mapped devices.
 * @mapped: The device.
 */
void check_device(struct findings *findings, const struct stack *stack,
		  const struct mapped *mapped)
{
	struct checked checked;
	bool resumed;

	if (!checked_begin(&checked, stack, mapped->dev)) {
		findings_add(findings, "targets", false, "%s was removed just now", mapped->name);
		return;
	}
	check_targets(findings, &checked);
	check_lines(findings, &checked);
	check_overlap(findings, &checked);
	check_members(findings, &checked);
	check_children(findings, &checked);
	/* To read a suspended device would wait. */
	resumed = check_suspended(findings, &checked);
	check_failures(findings, &checked, resumed);
	if (resumed)
		check_xfs(findings, &checked);
	checked_end(&checked);
}

/* Check only the filesystem on a device, nothing if the device was removed just now. */
void check_filesystem(struct findings *findings, const struct stack *stack, dev_t dev)
{
	struct checked checked;

	if (checked_begin(&checked, stack, dev)) {
		check_xfs(findings, &checked);
		checked_end(&checked);
	}
}
