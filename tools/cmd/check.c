// SPDX-License-Identifier: GPL-2.0
/* daxlinear check: checks a device, all that it stands on and the XFS on it. */
#include "boot/tab_device.h"
#include "health/check.h"
#include "cmd/command.h"
#include "util/json.h"
#include "util/say.h"

static const struct option options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

/* Compare the device with its line of /etc/daxlineartab, if it has one. */
static void check_tab(struct findings *findings, const struct mapped *mapped)
{
	char *text;
	bool fits = tab_check(mapped, &text);

	if (text)
		findings_add(findings, "tab", fits, "%s", text);
	free(text);
}

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
	check_tab(&findings, &mapped);
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
	.what = "Check a device, all that it stands on and the XFS on it",
	.help =
"Checks on every floor whether failures are forwarded, no table is in several lines,\n"
"suspended or overlaps another device's; whether every child is there, synchronous,\n"
"aligned to huge pages and without bad sectors, and no failure was received; whether\n"
"the XFS is in service, mounted with dax=always and as large as the device, and has\n"
"rmapbt, no reflink, and no copy-on-write that mixes data; and whether its line of\n"
"/etc/daxlineartab, if there is one, makes the device as it is. A bad finding names the\n"
"effect and the remedy; Documentation/check.rst lists all findings. Exits with 3 if one\n"
"is bad.\n\n"
"  --json  for programs\n",
	.run = run,
};
