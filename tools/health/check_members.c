// SPDX-License-Identifier: GPL-2.0
/* Whether the labels of the children make the device as it is. */
#include "device/line.h"
#include "health/check.h"
#include "member/disks.h"
#include "util/alloc.h"

/* The member of which the second copy serves, NULL if there is none. */
static const struct member *find_backup(const struct set *set)
{
	size_t i;

	for (i = 0; i < set->nr; i++)
		if (set->chain[i]->label.is_backup)
			return set->chain[i];
	return NULL;
}

static void judge(struct findings *findings, const struct set *set, const struct line *line,
		  const char *name)
{
	const struct member *backup = find_backup(set);

	if (set->state != SET_COMPLETE)
		findings_add(findings, "members", false,
			     "the set of members of %s is %s, so it cannot be made again: %s", name,
			     set_state_text(set), set->why);
	else if (set->nr != line->layout.nr || !set_fits(set, &line->layout))
		findings_add(findings, "members", false,
			     "the members of %s do not make it as it is: daxlinear label %s makes them fit",
			     name, name);
	else if (backup)
		findings_add(findings, "members", false,
			     "the first copy of the label of %s is damaged, and the second serves: daxlinear label %s writes both anew",
			     backup->path, name);
	else
		findings_add(findings, "members", true, "the members of %s make it as it is", name);
}

/* A device that was made without labels has no finding. */
void check_members(struct findings *findings, const struct checked *checked)
{
	struct line line = line_join(&checked->device->layout);
	const struct set *set;
	struct machine machine;

	machine_read(&machine);
	set = set_of_layout(&machine, &line.layout);
	if (set)
		judge(findings, set, &line, checked->device->name);
	machine_free(&machine);
	layout_free(&line.layout);
}
