// SPDX-License-Identifier: GPL-2.0
/* daxlinear members: lists the members in this machine. */
#include <string.h>

#include "cmd/command.h"
#include "device/dm.h"
#include "member/disks.h"
#include "util/alloc.h"
#include "util/columns.h"
#include "util/json.h"
#include "util/say.h"
#include "util/size.h"

static const struct option options[] = {
	{ "check", no_argument, NULL, 'c' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

/* What a disk with a label is, in a word. */
static const char *kind_text(const struct member *member)
{
	static const char * const roles[] = {
		[ROLE_MISPLACED] = "waiting",
		[ROLE_IN_PLACE] = "in place",
		[ROLE_COPY] = "doubled",
		[ROLE_LEFT_OVER] = "left over",
	};

	switch (member->label.kind) {
	case LABEL_FOREIGN:
		return "foreign";
	case LABEL_DAMAGED:
		return "damaged";
	case LABEL_INCOMING:
		return "incoming";
	case LABEL_REPLACED:
		return "replaced";
	default:
		return roles[member->role];
	}
}

/* The mapped device of a set, or NULL. */
static char *live_name(const struct set *set)
{
	char *uuid = format_text("%s%s", UUID_PREFIX, set->uuid);
	struct mapped mapped;
	bool found = dm_find_uuid(uuid, &mapped);

	free(uuid);
	return found ? mapped.name : NULL;
}

static void print_members(const struct machine *machine)
{
	struct columns columns = { .align = "llrlrrl" };
	char text[2][SIZE_TEXT_LEN];
	size_t i;

	columns_row(&columns, "disk\tof\tmember\tis\toffset\tlength\tset");
	for (i = 0; i < machine->members.nr; i++) {
		const struct member *member = &machine->members.members[i];
		const struct label *label = &member->label;

		columns_row(&columns, "%s\t%s\t%u\t%s\t%s\t%s\t%s", member->path, label->name,
			    label->number, kind_text(member),
			    size_text(label->offset_bytes, text[0]),
			    size_text(label->len_bytes, text[1]), label->set);
	}
	columns_print(&columns);
}

static void print_sets(const struct machine *machine)
{
	char text[SIZE_TEXT_LEN], *live;
	size_t i;

	for (i = 0; i < machine->sets.nr; i++) {
		const struct set *set = &machine->sets.sets[i];

		live = live_name(set);
		if (set->why)
			printf("%s (%s) is %s: %s\n", set->name, set->uuid, set_state_text(set),
			       set->why);
		else if (live)
			printf("%s (%s) is /dev/mapper/%s\n", set->name, set->uuid, live);
		else
			printf("%s (%s) is complete, %s: daxlinear assemble %s makes it\n",
			       set->name, set->uuid, size_text(set_bytes(set), text), set->name);
		free(live);
	}
}

static void add_member(struct json_object *array, const struct member *member)
{
	struct json_object *json = new_object();
	const struct label *label = &member->label;

	put_text(json, "disk", member->path);
	put_text(json, "set", label->set[0] ? label->set : NULL);
	put_text(json, "name", label->set[0] ? label->name : NULL);
	put_number(json, "number", label->number);
	put_text(json, "is", kind_text(member));
	put_bool(json, "last", label->is_last);
	put_bool(json, "first_copy_damaged", label->is_backup);
	put_bool(json, "second_copy_damaged", label->has_no_backup);
	put_number(json, "offset_bytes", label->offset_bytes);
	put_number(json, "length_bytes", label->len_bytes);
	add_object(array, json);
}

static void add_set(struct json_object *array, const struct set *set)
{
	struct json_object *json = new_object(), *members;
	char *live = live_name(set);
	size_t i;

	put_text(json, "set", set->uuid);
	put_text(json, "name", set->name);
	put_text(json, "state", set_state_text(set));
	put_text(json, "why", set->why);
	put_text(json, "missing", set->missing[0] ? set->missing : NULL);
	put_text(json, "device", live);
	put_number(json, "size_bytes", set_bytes(set));
	members = put_array(json, "members");
	for (i = 0; i < set->nr; i++)
		add_text(members, set->chain[i]->path);
	add_object(array, json);
	free(live);
}

static void print_json(const struct machine *machine)
{
	struct json_object *json = new_object(), *array = put_array(json, "members");
	size_t i;

	for (i = 0; i < machine->members.nr; i++)
		add_member(array, &machine->members.members[i]);
	array = put_array(json, "sets");
	for (i = 0; i < machine->sets.nr; i++)
		add_set(array, &machine->sets.sets[i]);
	json_print(json);
}

/* Name each set that cannot be made.  Return the exit code of the first. */
static int check(const struct machine *machine)
{
	int code = EXIT_DONE;
	size_t i;

	for (i = 0; i < machine->sets.nr; i++) {
		const struct set *set = &machine->sets.sets[i];

		if (set->state == SET_COMPLETE)
			continue;
		note("%s (%s) is %s: %s", set->name, set->uuid, set_state_text(set), set->why);
		code = code ?: set_exit_code(set);
	}
	return code;
}

static int run(int argc, char **argv)
{
	struct machine machine;
	bool json = false, checks = false;
	int option;

	while ((option = next_option(argc, argv, options)) != -1) {
		if (option == ARGUMENT)
			usage("\"%s\" is one word too many", optarg);
		if (option == 'c')
			checks = true;
		else
			json = true;
	}
	if (checks && json)
		usage("give only one of --check and --json");
	dm_begin();
	machine_read(&machine);
	if (checks)
		return check(&machine);
	if (json) {
		print_json(&machine);
		return EXIT_DONE;
	}
	if (!machine.members.nr) {
		note("no disk with DAX has the label of a member");
		return EXIT_DONE;
	}
	print_members(&machine);
	print_sets(&machine);
	return EXIT_DONE;
}

const struct command command_members = {
	.name = "members",
	.arguments = "[--check | --json]",
	.what = "List the members in this machine, and what they belong to",
	.help =
"A member is a disk with the label that daxlinear create writes; the members of one\n"
"device are a set.\n\n"
"  --check  print only the sets that cannot be made, and why; the exit code is that of\n"
"           assemble for the first of them\n"
"  --json   for programs\n",
	.run = run,
};
