// SPDX-License-Identifier: GPL-2.0
/* daxlinear release: erases the label of a member. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd/command.h"
#include "device/claim.h"
#include "device/dm.h"
#include "device/lock.h"
#include "device/stack.h"
#include "member/disks.h"
#include "member/edit.h"
#include "sys/sysfs.h"
#include "util/say.h"

static const struct option options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

/* Refuse a disk that a mapped device uses, by its partition or as a whole. */
static void refuse_used(const char *path, dev_t disk)
{
	struct stack stack;
	size_t i, j;

	stack_read(&stack);
	for (i = 0; i < stack.nr; i++)
		for (j = 0; j < stack.devices[i].layout.nr; j++)
			if (block_disk(stack.devices[i].layout.segments[j].dev) == disk)
				die(EXIT_FAILED, "%s is in use by %s: daxlinear remove it first",
				    path, stack.devices[i].name);
	stack_free(&stack);
}

/* Refuse the mark of a replace that was cut short, without which the new disk is no member. */
static void refuse_needed(const struct machine *machine, const struct member *member)
{
	size_t i;

	for (i = 0; i < machine->members.nr; i++) {
		const struct member *other = &machine->members.members[i];

		if (member->label.kind == LABEL_REPLACED && other->label.was_incoming &&
		    !strcmp(other->label.set, member->label.set) &&
		    other->label.number == member->label.number)
			die(EXIT_FAILED, "%s is replaced by %s, whose label is not complete: run the same daxlinear replace again, or daxlinear label %s",
			    member->path, other->path, other->label.name);
	}
}

static int run(int argc, char **argv)
{
	const struct member *member;
	struct machine machine;
	const char *given = NULL;
	struct stat status;

	while (next_option(argc, argv, options) != -1)
		one_argument(&given, "DEV");
	if (!given)
		usage("give a DEV");
	dm_begin();
	lock_changes();
	if (stat(given, &status))
		die(EXIT_FAILED, "%s: %s", given, strerror(errno));
	if (!S_ISBLK(status.st_mode))
		die(EXIT_FAILED, "%s is no block device", given);
	machine_read(&machine);
	member = member_find(&machine, status.st_rdev);
	if (!member)
		die(EXIT_FAILED, "%s has no label of a member: daxlinear members lists those that have one",
		    given);
	if (member->label.kind == LABEL_FOREIGN)
		die(EXIT_FOREIGN, "%s has partitions that are not as daxlinear writes them: wipefs -a %s erases the table with all of them",
		    given, member->path);
	claim_refuse(member->dev, member->path);
	refuse_needed(&machine, member);
	refuse_used(member->path, member->dev);
	hold_signals();
	member_release(member->path, member->dev);
	let_signals();
	printf("%s was member %u of %s\n", member->path, member->label.number, member->label.name);
	return EXIT_DONE;
}

const struct command command_release = {
	.name = "release",
	.arguments = "DEV",
	.what = "Erase the label of a member that is not in use",
	.help =
"What is on the DEV otherwise stays, but nothing says any more which device it is of.\n",
	.run = run,
};
