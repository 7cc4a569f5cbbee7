// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "cmd/sets.h"
#include "device/line.h"
#include "member/fit.h"
#include "util/say.h"

/* Refuse a set that is not complete. */
void set_refuse(const struct set *set)
{
	if (set->state != SET_COMPLETE)
		die(set_exit_code(set), "%s (%s) is %s: %s", set->name, set->uuid,
		    set_state_text(set), set->why);
}

/* Find a set by its name or UUID, and refuse a name that several have. */
static const struct set *find(const struct machine *machine, const char *given)
{
	const struct set *found = NULL, *set;
	size_t i;

	if (set_uuid_is(given))
		return set_find(machine, given);
	for (i = 0; i < machine->sets.nr; i++) {
		set = &machine->sets.sets[i];
		if (strcmp(set->name, given))
			continue;
		if (found)
			die(EXIT_FAILED, "there are two sets %s, %s and %s: give the UUID, and daxlinear rename one of them",
			    given, found->uuid, set->uuid);
		found = set;
	}
	return found;
}

/* The complete set of a name or UUID. */
const struct set *set_given(const struct machine *machine, const char *given)
{
	const struct set *set = find(machine, given);

	if (!set)
		die(EXIT_FAILED, "%s: no disk with DAX has a label of this set: daxlinear members lists those that have one",
		    given);
	set_refuse(set);
	return set;
}

/*
 * The complete set of a live device, NULL if it was made without labels.  A damaged label may be
 * all that is left of a set.
 */
const struct set *set_of_device(const struct machine *machine, const struct mapped *mapped)
{
	const struct member *damaged;
	struct line line = { 0 };
	const struct set *set;
	struct table table;

	if (!dm_table(mapped->name, &table) || line_read(&line, &table))
		return NULL;
	damaged = damaged_of_layout(machine, &line.layout);
	if (damaged)
		die(EXIT_DAMAGED, "both copies of the partition table (GPT) of %s are damaged: daxlinear label %s writes them anew",
		    damaged->path, mapped->name);
	set = set_of_layout(machine, &line.layout);
	table_free(&table);
	if (!set)
		return NULL;
	if (!set_may_fit(set))
		set_refuse(set);
	if (set->state != SET_COMPLETE || !set_fits(set, &line.layout) ||
	    set->nr != line.layout.nr)
		die(set_exit_code(set) ?: EXIT_FAILED, "the members of %s do not make it as it is%s%s: daxlinear label %s makes them fit",
		    mapped->name, set->why ? ", as " : "", set->why ?: "", mapped->name);
	layout_free(&line.layout);
	return set;
}
