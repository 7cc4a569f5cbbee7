// SPDX-License-Identifier: GPL-2.0
/* daxlinear assemble: makes devices of their members. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/set_device.h"
#include "cmd/sets.h"
#include "device/dm.h"
#include "device/lock.h"
#include "member/disks.h"
#include "util/say.h"

static const struct option options[] = {
	{ "all", no_argument, NULL, 'a' },
	{ "incremental", required_argument, NULL, 'i' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

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
			exit(set_assemble(&machine->sets.sets[i]));
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
	return set_assemble(set);
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
	return by ? assemble_by(&machine, by) : set_assemble(set_given(&machine, given));
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
