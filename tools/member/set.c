// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "member/set.h"
#include "util/alloc.h"
#include "util/say.h"

void members_add(struct members *members, const char *path, dev_t dev, const struct label *label)
{
	members->members = grow(members->members, members->nr, sizeof(struct member));
	members->members[members->nr++] = (struct member){
		.path = copy_text(path), .dev = dev, .label = *label,
	};
}

void members_free(struct members *members)
{
	size_t i;

	for (i = 0; i < members->nr; i++)
		free(members->members[i].path);
	free(members->members);
	*members = (struct members){ 0 };
}

/* Whether a disk is of the set and of this kind. */
static bool is_of(const struct member *member, const struct set *set, enum label_kind kind)
{
	return member->label.kind == kind && !strcmp(member->label.set, set->uuid);
}

/* Whether the label is that of a replace, and not of a member. */
static bool is_beside(const struct label *label)
{
	return label->kind == LABEL_INCOMING || label->kind == LABEL_REPLACED;
}

static void add_text(char **text, const char *word)
{
	char *longer = format_text("%s%s%s", *text, **text ? ", " : "", word);

	free(*text);
	*text = longer;
}

/* Say what is wrong, in place of what was said before. */
static void blame(struct set *set, enum set_state state, char *why)
{
	free(set->why);
	set->state = state;
	set->why = why;
}

/* The next member of the chain; @copy is set if there is another one. */
static struct member *find_next(const struct members *members, const struct set *set,
				unsigned int joined, struct member **copy)
{
	struct member *found = NULL, *member;

	*copy = NULL;
	for (member = members->members; member < members->members + members->nr; member++) {
		if (!is_of(member, set, LABEL_MEMBER) || member->label.number != set->nr + 1 ||
		    member->label.joined != joined)
			continue;
		if (found)
			*copy = member;
		else
			found = member;
	}
	return found;
}

/* Follow the members from the first on.  Return whether the last was found. */
static bool follow(struct set *set, const struct members *members)
{
	struct member *member, *copy;
	unsigned int joined = 0;

	for (;;) {
		member = find_next(members, set, joined, &copy);
		if (!member)
			return false;
		if (copy) {
			member->role = ROLE_COPY;
			copy->role = ROLE_COPY;
			blame(set, SET_DOUBLED, format_text("%s and %s are both member %zu: one is a copy of the other, and which holds the data is not known; daxlinear release erases the label of the copy",
							    member->path, copy->path, set->nr + 1));
		} else {
			member->role = ROLE_IN_PLACE;
		}
		set->chain = grow(set->chain, set->nr, sizeof(*set->chain));
		set->chain[set->nr++] = member;
		if (member->label.is_last)
			return true;
		joined = member->label.next;
	}
}

/* Find a disk of the set that has this number, of any kind. */
static const struct member *find_number(const struct members *members, const struct set *set,
					enum label_kind kind, unsigned int number)
{
	size_t i;

	for (i = 0; i < members->nr; i++)
		if (is_of(&members->members[i], set, kind) &&
		    members->members[i].label.number == number)
			return &members->members[i];
	return NULL;
}

/* A disk with a damaged label that does not say which set it is of. */
static const struct member *find_unreadable(const struct members *members)
{
	size_t i;

	for (i = 0; i < members->nr; i++)
		if (members->members[i].label.kind == LABEL_DAMAGED &&
		    !members->members[i].label.number)
			return &members->members[i];
	return NULL;
}

/* List the numbers that are missing.  The first gap ended the chain. */
static void list_missing(struct set *set, const struct members *members)
{
	unsigned int number, last = 0;
	bool has_end = false;
	char *text;
	size_t i;

	for (i = 0; i < members->nr; i++) {
		const struct member *member = &members->members[i];

		if (!is_of(member, set, LABEL_MEMBER) || member->label.number < last)
			continue;
		last = member->label.number;
		has_end = member->label.is_last;
	}
	for (number = set->nr + 1; number <= last; number++) {
		if (number > set->nr + 1 && find_number(members, set, LABEL_MEMBER, number))
			continue;
		text = format_text("%u", number);
		add_text(&set->missing, text);
		free(text);
	}
	if (!has_end || last <= set->nr) {
		text = format_text("%zu and perhaps more", (last > set->nr ? last : set->nr) + 1);
		add_text(&set->missing, text);
		free(text);
	}
}

/* The paths of all disks of the set. */
static char *list_found(const struct set *set, const struct members *members)
{
	char *text = copy_text(""), *one;
	size_t i;

	for (i = 0; i < members->nr; i++) {
		const struct member *member = &members->members[i];

		if (!is_of(member, set, LABEL_MEMBER))
			continue;
		one = format_text("%s is member %u", member->path, member->label.number);
		add_text(&text, one);
		free(one);
	}
	return text;
}

/* There is a gap: find out why. */
static void judge_gap(struct set *set, const struct members *members)
{
	const struct member *other;
	unsigned int number = set->nr + 1;
	char *found = list_found(set, members);

	list_missing(set, members);
	blame(set, SET_INCOMPLETE, format_text("member %s is missing; %s", set->missing, found));
	free(found);
	other = find_number(members, set, LABEL_FOREIGN, number);
	if (other) {
		blame(set, SET_FOREIGN, format_text("%s should be member %u, but its partitions are not as Documentation/members.rst has them: a later version of daxlinear may read them; %s",
						    other->path, number, set->why));
		return;
	}
	other = find_number(members, set, LABEL_DAMAGED, number) ?: find_unreadable(members);
	if (other) {
		blame(set, SET_DAMAGED, format_text("%s %s the one that is missing, and both copies of its partition table (GPT) are damaged; %s",
						    other->path, other->label.number ? "is" : "may be",
						    set->why));
		return;
	}
	other = find_number(members, set, LABEL_MEMBER, number);
	if (other)
		blame(set, SET_STALE, format_text("%s is member %u of an extend that was cut short, and the one that took its place is missing; %s",
						  other->path, number, set->why));
}

/*
 * The set is whole.  What joined in no later generation than the latest that its last member knows
 * of was left by an extend that was cut short.  If there is another, the last member is a copy from
 * before it joined.
 */
static void judge_rest(struct set *set, struct members *members)
{
	const struct member *last = set->chain[set->nr - 1];
	struct member *member;

	for (member = members->members; member < members->members + members->nr; member++) {
		if (strcmp(member->label.set, set->uuid) || member->role == ROLE_IN_PLACE ||
		    member->role == ROLE_COPY || is_beside(&member->label))
			continue;
		if (member->label.joined <= last->label.next && member->label.joined) {
			member->role = ROLE_LEFT_OVER;
			continue;
		}
		if (member->label.kind != LABEL_MEMBER)
			continue;
		blame(set, SET_STALE, format_text("%s is marked as the last member, but %s joined after it: %s has an old label",
						  last->path, member->path, last->path));
		return;
	}
}

static void judge(struct set *set, struct members *members)
{
	bool whole;

	set->missing = copy_text("");
	whole = follow(set, members);
	if (set->nr)
		set->name = set->chain[0]->label.name;
	if (set->nr && set->chain[0]->label.is_void) {
		blame(set, SET_UNFINISHED, format_text("it holds no data, because the create that made it was cut short: daxlinear release %s erases its first label",
						       set->chain[0]->path));
		return;
	}
	if (set->state == SET_DOUBLED)
		return;
	if (whole)
		judge_rest(set, members);
	else
		judge_gap(set, members);
}

static bool has_set(const struct sets *sets, const char *uuid)
{
	size_t i;

	for (i = 0; i < sets->nr; i++)
		if (!strcmp(sets->sets[i].uuid, uuid))
			return true;
	return false;
}

/* Whether there is a member in this place that no replace has brought. */
static bool has_member(const struct members *members, const struct label *place)
{
	size_t i;

	for (i = 0; i < members->nr; i++) {
		const struct label *label = &members->members[i].label;

		if (label->kind == LABEL_MEMBER && !label->was_incoming &&
		    !strcmp(label->set, place->set) && label->number == place->number &&
		    label->joined == place->joined)
			return true;
	}
	return false;
}

/*
 * A replace that was cut short after the mark of the disk that it replaced: the one with the tag
 * that the mark names is the member.
 */
static void take_over(struct members *members, const struct label *replaced)
{
	size_t i;

	if (has_member(members, replaced))
		return;
	for (i = 0; i < members->nr; i++) {
		struct label *label = &members->members[i].label;

		if (label->kind != LABEL_INCOMING || strcmp(label->set, replaced->set) ||
		    label->number != replaced->number || label->joined != replaced->next)
			continue;
		label->kind = LABEL_MEMBER;
		label->joined = replaced->joined;
		label->was_incoming = true;
	}
}

/* Find the sets that members belong to, and set what each member is to its set. */
void sets_find(struct sets *sets, struct members *members)
{
	size_t i;

	*sets = (struct sets){ 0 };
	for (i = 0; i < members->nr; i++)
		members->members[i].role = ROLE_MISPLACED;
	for (i = 0; i < members->nr; i++)
		if (members->members[i].label.kind == LABEL_REPLACED)
			take_over(members, &members->members[i].label);
	for (i = 0; i < members->nr; i++) {
		const struct label *label = &members->members[i].label;

		if (!label->set[0] || is_beside(label) || has_set(sets, label->set))
			continue;
		sets->sets = grow(sets->sets, sets->nr, sizeof(*sets->sets));
		sets->sets[sets->nr] = (struct set){ .uuid = label->set, .name = label->name };
		judge(&sets->sets[sets->nr++], members);
	}
}

void sets_free(struct sets *sets)
{
	size_t i;

	for (i = 0; i < sets->nr; i++) {
		free(sets->sets[i].chain);
		free(sets->sets[i].missing);
		free(sets->sets[i].why);
	}
	free(sets->sets);
	*sets = (struct sets){ 0 };
}

const char *set_state_text(const struct set *set)
{
	static const char * const texts[] = {
		[SET_COMPLETE] = "complete",
		[SET_INCOMPLETE] = "incomplete",
		[SET_DOUBLED] = "doubled",
		[SET_FOREIGN] = "foreign",
		[SET_STALE] = "stale",
		[SET_DAMAGED] = "damaged",
		[SET_UNFINISHED] = "unfinished",
	};

	return texts[set->state];
}

/* The code that a command exits with that needs the set. */
int set_exit_code(const struct set *set)
{
	static const int codes[] = {
		[SET_COMPLETE] = EXIT_DONE,
		[SET_INCOMPLETE] = EXIT_INCOMPLETE,
		[SET_DOUBLED] = EXIT_DOUBLED,
		[SET_FOREIGN] = EXIT_FOREIGN,
		[SET_STALE] = EXIT_STALE,
		[SET_DAMAGED] = EXIT_DAMAGED,
		[SET_UNFINISHED] = EXIT_FAILED,
	};

	return codes[set->state];
}

/* The length of the device. */
uint64_t set_bytes(const struct set *set)
{
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < set->nr; i++)
		bytes += set->chain[i]->label.len_bytes;
	return bytes;
}
