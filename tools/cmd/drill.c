// SPDX-License-Identifier: GPL-2.0
/* daxlinear drill: rehearse the failure of a page on a device in use. */
#include "cmd/command.h"
#include "device/dm.h"
#include "drill/drill.h"
#include "drill/ready.h"
#include "util/say.h"

static const struct option options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "yes", no_argument, NULL, 'y' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

static int run(int argc, char **argv)
{
	struct drill_options given = { 0 };
	const char *name = NULL;
	int option;

	while ((option = next_option(argc, argv, options)) != -1) {
		given.json |= option == 'j';
		given.yes |= option == 'y';
		if (option == ARGUMENT)
			one_argument(&name, "NAME");
	}
	if (!name)
		usage("give a NAME");
	ready_process();
	dm_begin();
	return drill(name, &given);
}

const struct command command_drill = {
	.name = "drill",
	.arguments = "[--json] [--yes] NAME|VG/LV",
	.what = "Rehearse the failure of a page on a device in use",
	.help =
"Makes a file on the mounted XFS, has the kernel take a page of it for failed, and shows\n"
"that the processes that map the page get SIGBUS, and no other; that record, event and\n"
"alert come; that damage names the file; and that it can be repaired, which it is. Says\n"
"beforehand what it does, and asks. It refuses while anything else is bad or repaired.\n"
"Exits with 3 if a step went wrong.\n\n"
"  --json  for programs; what is done is printed on standard error\n"
"  --yes   do not ask\n",
	.run = run,
};
