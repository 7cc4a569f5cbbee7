// SPDX-License-Identifier: GPL-2.0
/* Whether the labels of the children make the device as it is. */
#include "device/line.h"
#include "health/check.h"
#include "member/disks.h"
#include "member/fit.h"
#include "util/alloc.h"

/* A member of which a copy of the label is damaged, NULL if there is none. */
static const struct member *find_damaged(const struct set *set)
{
	size_t i;

	for (i = 0; i < set->nr; i++)
		if (label_damage(&set->chain[i]->label))
			return set->chain[i];
	return NULL;
}

static void judge(struct findings *findings, const struct set *set, const struct line *line,
		  const char *name)
{
	const struct member *damaged = find_damaged(set);

	if (!set_may_fit(set))
		findings_add(findings, "members", false,
			     "the set of members of %s is %s, so it cannot be made again: %s", name,
			     set_state_text(set), set->why);
	else if (set->state != SET_COMPLETE || set->nr != line->layout.nr ||
		 !set_fits(set, &line->layout))
		findings_add(findings, "members", false,
			     "the members of %s do not make it as it is%s%s: daxlinear label %s makes them fit",
			     name, set->why ? ", as " : "", set->why ?: "", name);
	else if (damaged)
		findings_add(findings, "members", false,
			     "%s: %s, and the other serves: daxlinear label %s writes both anew",
			     damaged->path, label_damage(&damaged->label), name);
	else
		findings_add(findings, "members", true, "the members of %s make it as it is", name);
}

/* A device that was made without labels has no finding. */
void check_members(struct findings *findings, const struct checked *checked)
{
	struct line line = line_join(&checked->device->layout);
	const struct member *damaged;
	const struct set *set;
	struct machine machine;

	machine_read(&machine);
	damaged = damaged_of_layout(&machine, &line.layout);
	set = set_of_layout(&machine, &line.layout);
	if (damaged)
		findings_add(findings, "members", false,
			     "both copies of the partition table (GPT) of %s are damaged, so %s cannot be made again: daxlinear label %s writes them anew",
			     damaged->path, checked->device->name, checked->device->name);
	else if (set)
		judge(findings, set, &line, checked->device->name);
	machine_free(&machine);
	layout_free(&line.layout);
}
