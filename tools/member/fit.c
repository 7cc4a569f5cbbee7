// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "member/fit.h"

/* Whether the labels of a set can be those of a live device, with what its table has. */
bool set_may_fit(const struct set *set)
{
	return set->state == SET_COMPLETE || set->state == SET_INCOMPLETE ||
	       set->state == SET_DAMAGED || set->state == SET_UNFINISHED;
}

/* The latest generation in which a member of a set joined. */
static unsigned int latest(const char *uuid, const struct members *members)
{
	unsigned int generation = 0;
	size_t i;

	for (i = 0; i < members->nr; i++) {
		const struct label *label = &members->members[i].label;

		if (label->kind == LABEL_MEMBER && !strcmp(label->set, uuid) &&
		    label->joined > generation)
			generation = label->joined;
	}
	return generation;
}

/**
 * labels_fit - make labels those of a live device
 * @labels: The labels of its children, in its order. One that is lost has no kind, and the place of
 *	its data.
 * @nr: Their number.
 * @uuid: The set.
 * @members: All members that were found, of which some may be left over.
 * @name: The name of the device.
 *
 * A lost member joins in the generation that the member before it names.  Behind a last member,
 * that may be one of which others are left over, and it joins in a new one.
 */
void labels_fit(struct label *labels, size_t nr, const char *uuid,
		const struct members *members, const char *name)
{
	unsigned int newest = latest(uuid, members);
	struct label *label, *before = NULL;
	bool is_behind = false;

	for (label = labels; label < labels + nr; before = label++) {
		if (label->kind != LABEL_MEMBER) {
			if (is_behind && newest < LABEL_GENERATION_MAX)
				before->next = ++newest;
			label->joined = before ? before->next : 0;
			label->next = label->joined;
		} else if (before) {
			before->next = label->joined;
		}
		is_behind = label->is_last;
		label->kind = LABEL_MEMBER;
		label->number = label - labels + 1;
		label->is_void = false;
		label->is_last = label == labels + nr - 1;
		snprintf(label->set, sizeof(label->set), "%s", uuid);
		snprintf(label->name, sizeof(label->name), "%s", name);
	}
	/* An extend that follows must not take the generation of members that were left over. */
	if (before && before->next < newest)
		before->next = newest;
}
