// SPDX-License-Identifier: GPL-2.0
/* daxlinear detach: undoes daxlinear attach. */
#include "device/attach.h"
#include "cmd/command.h"
#include "device/dm.h"
#include "util/say.h"

static const struct option options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

static int run(int argc, char **argv)
{
	const char *name = NULL;
	struct mapped mapped;

	while (next_option(argc, argv, options) != -1)
		one_argument(&name, "DEV");
	if (!name)
		usage("give a DEV");

	dm_begin();
	attach_begin();
	mapped = dm_device(name);
	return detach(mapped.dev, mapped.name) ? EXIT_DONE : EXIT_FAILED;
}

const struct command command_detach = {
	.name = "detach",
	.arguments = "DEV",
	.what = "Undo daxlinear attach",
	.help =
"DEV is detached from all that it is attached to, and is notified of no failure any\n"
"more. Mapped devices below it stay attached, because failures may be forwarded\n"
"through them to other devices: detach them by name.\n",
	.run = run,
};
