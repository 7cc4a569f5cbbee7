// SPDX-License-Identifier: GPL-2.0
/* The tables of a device and of all mapped devices below it. */
#include <string.h>

#include "util/alloc.h"
#include "device/attach.h"
#include "health/check.h"
#include "util/size.h"
#include "sys/sysfs.h"

/* The first target that is none of ours. */
static const char *first_other(const struct table *table)
{
	size_t i;

	for (i = 0; i < table->nr; i++)
		if (strcmp(table->targets[i].type, TARGET_OURS))
			return table->targets[i].type;
	return NULL;
}

/* A failure is notified from floor to floor, so each has to forward it or be attached. */
void check_targets(struct findings *findings, const struct checked *checked)
{
	size_t i;

	for (i = 0; i < checked->nr_floors; i++) {
		const struct device *floor = checked->floors[i];
		const char *other = first_other(&floor->table);

		if (!floor->table.nr)
			findings_add(findings, "targets", false,
				     "%s has no live table: all reads and writes fail; load one (dmsetup load) and resume it, or remove it",
				     floor->name);
		else if (!other)
			findings_add(findings, "targets", true,
				     "all targets of %s forward failures", floor->name);
		else if (is_attached_to_all(floor->dev))
			findings_add(findings, "targets", true,
				     "%s is attached to all that it stands on", floor->name);
		else if (!attach_ready())
			findings_add(findings, "targets", false,
				     "%s has a target \"%s\" and the module dax_holder is not loaded: failures are not forwarded; run modprobe dax_holder and daxlinear attach %s",
				     floor->name, other, checked->device->name);
		else
			findings_add(findings, "targets", false,
				     "%s has a target \"%s\" and is not attached to all that it stands on: failures there are not forwarded; run daxlinear attach %s",
				     floor->name, other, checked->device->name);
	}
}

/* Where a line of ours ends, the target does not see what a request spans; see line.h. */
void check_lines(struct findings *findings, const struct checked *checked)
{
	size_t i;

	for (i = 0; i < checked->nr_floors; i++) {
		const struct device *floor = checked->floors[i];

		if (!device_is_ours(floor))
			continue;
		if (floor->table.nr == 1)
			findings_add(findings, "lines", true, "the table of %s is one line",
				     floor->name);
		else
			findings_add(findings, "lines", false,
				     "the table of %s has %zu lines: where they meet inside an allocation group, copy-on-write mixes data with what lies beside it; daxlinear merge %s makes them one",
				     floor->name, floor->table.nr, floor->name);
	}
}

/* Whether no floor is suspended. */
bool check_suspended(struct findings *findings, const struct checked *checked)
{
	size_t before = findings->nr_bad, i;

	for (i = 0; i < checked->nr_floors; i++) {
		const char *name = checked->floors[i]->name;
		struct mapped mapped;

		if (!dm_find_number(checked->floors[i]->dev, &mapped))
			continue;
		if (mapped.suspended)
			findings_add(findings, "suspended", false,
				     "%s is suspended: reads, writes and the handling of failures wait, and the XFS was not checked; run dmsetup resume %s",
				     name, name);
		free(mapped.name);
		free(mapped.uuid);
	}
	if (findings->nr_bad != before)
		return false;
	findings_add(findings, "suspended", true, "%s is not suspended", checked->device->name);
	return true;
}

static bool stands_on(const struct stack *stack, const struct device *upper,
		      const struct device *lower)
{
	const struct device **floors;
	size_t nr = stack_floors(stack, upper, &floors), i;
	bool found = false;

	for (i = 0; i < nr; i++)
		found |= floors[i] == lower;
	free(floors);
	return found;
}

static void add_overlap(struct findings *findings, const struct checked *checked,
			const struct device *other, const struct extent *extent)
{
	char start[SIZE_TEXT_LEN], *disk = block_path(extent->disk);

	size_text(extent->start_sectors * SECTOR, start);
	if (other == checked->device)
		findings_add(findings, "overlap", false,
			     "%s maps a part of %s twice, in the range that starts at %s: what is written to one place of it overwrites another; make the device anew without that",
			     other->name, disk, start);
	else
		findings_add(findings, "overlap", false,
			     "%s also maps a part of the range of %s that starts at %s: a write to one device overwrites the other; decide which of them is wanted, and remove the other (dmsetup remove %s)",
			     other->name, disk, start, other->name);
	free(disk);
}

/* No other device may map the same sectors, save those that are stacked on this one or below it. */
void check_overlap(struct findings *findings, const struct checked *checked)
{
	const struct extent *twice = extents_twice(&checked->extents);
	const struct stack *stack = checked->stack;
	const struct device *device = checked->device;
	size_t before = findings->nr_bad, i;

	if (twice)
		add_overlap(findings, checked, device, twice);
	for (i = 0; i < stack->nr; i++) {
		const struct device *other = &stack->devices[i];
		const struct extent *extent;
		struct extents extents;

		extents_read(&extents, stack, other->dev);
		extent = extents_overlap(&checked->extents, &extents);
		if (extent && !stands_on(stack, device, other) && !stands_on(stack, other, device))
			add_overlap(findings, checked, other, extent);
		extents_free(&extents);
	}
	if (findings->nr_bad == before)
		findings_add(findings, "overlap", true, "no other device maps what %s does",
			     device->name);
}
