// SPDX-License-Identifier: GPL-2.0
/* daxlinear rename: gives a device another name, and its members. */
#include <stdio.h>
#include <string.h>

#include "boot/tab_file.h"
#include "cmd/command.h"
#include "cmd/sets.h"
#include "device/change.h"
#include "device/claim.h"
#include "device/dm.h"
#include "device/lock.h"
#include "device/name.h"
#include "member/disks.h"
#include "member/edit.h"
#include "util/alloc.h"
#include "util/say.h"

static const struct option options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

/* The device and the set of a name; at least one of them is there. */
struct subject {
	struct mapped mapped;
	bool is_live;
	const struct set *set;
};

/* Find a live device and its set, or a set that is not assembled. */
static void find(struct subject *subject, const struct machine *machine, const char *name)
{
	char *uuid;

	if (!set_uuid_is(name) && dm_find(name, &subject->mapped)) {
		subject->is_live = true;
		if (dm_is_lvms(&subject->mapped))
			die(EXIT_FAILED, "%s is one of LVM's: lvrename renames it", name);
		subject->set = set_of_device(machine, &subject->mapped);
		return;
	}
	subject->set = set_given(machine, name);
	uuid = format_text("%s%s", UUID_PREFIX, subject->set->uuid);
	subject->is_live = dm_find_uuid(uuid, &subject->mapped);
	free(uuid);
}

static void refuse_taken(const struct subject *subject, const struct machine *machine,
			 const char *name)
{
	struct mapped other;
	size_t i;

	if (dm_find(name, &other) && !(subject->is_live && other.dev == subject->mapped.dev))
		die(EXIT_FAILED, "there is a mapped device %s already: choose another name", name);
	for (i = 0; i < machine->sets.nr; i++)
		if (&machine->sets.sets[i] != subject->set &&
		    !strcmp(machine->sets.sets[i].name, name))
			die(EXIT_FAILED, "there is a set %s already: choose another name", name);
}

static int run(int argc, char **argv)
{
	const char *name = NULL, *new = NULL, *wrong;
	struct subject subject = { 0 };
	struct machine machine;
	unsigned int line;

	while (next_option(argc, argv, options) != -1)
		if (name)
			one_argument(&new, "NEW name");
		else
			name = optarg;
	if (!new)
		usage("give a NAME and the NEW one");
	wrong = name_check(new);
	if (wrong)
		usage("\"%s\" %s", new, wrong);
	dm_begin();
	lock_changes();
	machine_read(&machine);
	find(&subject, &machine, name);
	if (subject.is_live)
		claim_refuse(subject.mapped.dev, subject.mapped.name);
	wrong = subject.set ? label_name_check(new) : NULL;
	if (wrong)
		usage("\"%s\" %s", new, wrong);
	refuse_taken(&subject, &machine, new);
	hold_signals();
	if (subject.set)
		set_rename(subject.set, new);
	if (subject.is_live && strcmp(subject.mapped.name, new))
		change_name(&subject.mapped, new);
	let_signals();
	/* The table for the boot goes by names. */
	line = strcmp(name, new) ? tab_line_at_boot(name) : 0;
	if (line)
		note("line %u of " TAB " has the old name, %s: change it there", line, name);
	return EXIT_DONE;
}

const struct command command_rename = {
	.name = "rename",
	.arguments = "NAME|UUID NEW",
	.what = "Give a device another name, in its members, too",
	.help =
"NAME is a mapped device, also one that is mounted, or a set that is not assembled.\n"
"If this is cut short, the device keeps its old name or has the new one; the same\n"
"command again ends it.\n",
	.run = run,
};
