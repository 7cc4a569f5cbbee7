// SPDX-License-Identifier: GPL-2.0
/* daxlinear assemble: makes devices of their members. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/child_options.h"
#include "cmd/command.h"
#include "cmd/sets.h"
#include "device/change.h"
#include "device/dm.h"
#include "device/lock.h"
#include "device/name.h"
#include "fs/xfs.h"
#include "member/disks.h"
#include "util/alloc.h"
#include "util/say.h"
#include "util/size.h"

static const struct option options[] = {
	{ "all", no_argument, NULL, 'a' },
	{ "incremental", required_argument, NULL, 'i' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

/*
 * Return whether the device is there already.  One without a table is left of an attempt to make it
 * that was cut short, maybe under the name that it had then.
 */
static bool is_there(const struct set *set)
{
	char *uuid = format_text("%s%s", UUID_PREFIX, set->uuid);
	struct mapped mapped;
	bool found = dm_find_uuid(uuid, &mapped);

	free(uuid);
	if (!found)
		return false;
	if (mapped.live || mapped.open_count) {
		printf("%s is there already, as /dev/mapper/%s\n", set->name, mapped.name);
		return true;
	}
	dm_remove(&mapped);
	return false;
}

/* Refuse a device that is too short to mount the XFS on it: a member's content is an old one. */
static void refuse_short(const struct set *set)
{
	const struct member *first = set->chain[0];
	char text[2][SIZE_TEXT_LEN];
	struct xfs xfs;

	if (!xfs_read_at(first->path, first->label.offset_bytes, &xfs) ||
	    xfs.size_bytes <= set_bytes(set))
		return;
	die(EXIT_STALE, "%s has an XFS of %s, and its members make a device of %s: a member has an old label, from before an extend",
	    set->name, size_text(xfs.size_bytes, text[0]), size_text(set_bytes(set), text[1]));
}

/* The name is what was read, so it may be none that a device can have. */
static void refuse_name(const struct set *set)
{
	const char *wrong = name_check(set->name);

	if (wrong)
		die(EXIT_FOREIGN, "the name \"%s\" in the label of %s %s: daxlinear rename %s gives it another",
		    set->name, set->chain[0]->path, wrong, set->uuid);
}

/* Make the device of a set. */
static int assemble(const struct set *set)
{
	struct children children = { .known = true };
	struct line line = { .align = ALIGN };
	char text[SIZE_TEXT_LEN];
	struct table table;
	struct stack stack;
	size_t i;

	set_refuse(set);
	if (is_there(set))
		return EXIT_DONE;
	refuse_name(set);
	for (i = 0; i < set->nr; i++) {
		const struct label *label = &set->chain[i]->label;

		children_add_range(&children, set->chain[i]->path, label->offset_bytes,
				   label->len_bytes);
	}
	change_begin(set->name);
	stack_read(&stack);
	children_refuse_mounted(&children);
	children_open(&children, &stack);
	refuse_short(set);
	children_line(&children, &stack, &line);
	table = line_table(&line);
	change_create(set->name, set->uuid, &table);
	printf("/dev/mapper/%s: %s of %zu members\n", set->name,
	       size_text(table_end(&table) * SECTOR, text), set->nr);
	return EXIT_DONE;
}

/* Make all devices, each in a process of its own, so that one that fails is no obstacle. */
static int assemble_all(const struct machine *machine)
{
	int code = EXIT_DONE, status;
	size_t i;
	pid_t pid;

	for (i = 0; i < machine->sets.nr; i++) {
		fflush(stdout);
		pid = fork();
		if (pid < 0)
			die(EXIT_FAILED, "fork: %s", strerror(errno));
		if (!pid)
			exit(assemble(&machine->sets.sets[i]));
		waitpid(pid, &status, 0);
		status = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILED;
		code = code ?: status;
	}
	if (!machine->sets.nr)
		note("no disk with DAX has the label of a member");
	return code;
}

/* The set of a member that has just appeared, if it is complete by that. */
static int assemble_by(const struct machine *machine, const char *path)
{
	const struct member *member;
	const struct set *set;
	struct stat status;

	if (stat(path, &status) || !S_ISBLK(status.st_mode))
		die(EXIT_FAILED, "%s is no block device", path);
	member = member_find(machine, status.st_rdev);
	set = member ? set_find(machine, member->label.set) : NULL;
	if (!set || set->state == SET_INCOMPLETE || set->state == SET_UNFINISHED)
		return EXIT_DONE;
	return assemble(set);
}

static int run(int argc, char **argv)
{
	const char *given = NULL, *by = NULL;
	struct machine machine;
	bool all = false;
	int option;

	while ((option = next_option(argc, argv, options)) != -1) {
		if (option == ARGUMENT)
			one_argument(&given, "NAME");
		else if (option == 'a')
			all = true;
		else
			by = optarg;
	}
	if (!!given + all + !!by != 1)
		usage("give a NAME, a UUID, --all or --incremental");
	dm_begin();
	lock_changes();
	machine_read(&machine);
	if (all)
		return assemble_all(&machine);
	return by ? assemble_by(&machine, by) : assemble(set_given(&machine, given));
}

const struct command command_assemble = {
	.name = "assemble",
	.arguments = "NAME | UUID | --all | --incremental DEV",
	.what = "Make devices of the members that are there",
	.help =
"The labels of the members say which device they are of and in which order, whatever\n"
"the memory is called today. A set that is incomplete, or of which a member is there\n"
"twice, is not made.\n\n"
"  --all              make all devices whose members are there\n"
"  --incremental DEV  make the device of this member if it is the last that was missing;\n"
"                     if another is missing, do nothing\n",
	.run = run,
};
