// SPDX-License-Identifier: GPL-2.0
/* daxlinear check: tells whether a device and the XFS on it are as they should be. */
#include "health/check.h"
#include "cmd/command.h"
#include "util/json.h"
#include "util/say.h"

static const struct option options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

static int run(int argc, char **argv)
{
	struct findings findings = { 0 };
	struct json_object *object;
	const char *name, *json;
	struct mapped mapped;
	struct stack stack;

	name = name_and_option(argc, argv, options, &json);
	dm_begin();
	mapped = dm_device(name);
	stack_read(&stack);
	check_device(&findings, &stack, &mapped);
	if (json) {
		object = new_object();
		put_text(object, "name", mapped.name);
		findings_json(&findings, object);
		json_print(object);
	} else {
		findings_print(&findings);
	}
	return findings.nr_bad ? EXIT_FOUND : EXIT_DONE;
}

const struct command command_check = {
	.name = "check",
	.arguments = "[--json] NAME",
	.what = "Tell whether a device and the XFS on it are as they should be",
	.help =
"Looks whether all targets tell of failures, whether the table is one line, whether\n"
"every child is there, synchronous and aligned to 2 MiB, and of an XFS whether it has\n"
"rmapbt and no reflink, or where its copy-on-write would mix data, whether it reaches\n"
"the end of the device and aligns files to 2 MiB. Ends with 3 if something is not as it\n"
"should be.\n\n"
"  --json  for programs\n",
	.run = run,
};
