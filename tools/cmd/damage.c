// SPDX-License-Identifier: GPL-2.0
/* daxlinear damage: print what is known to be bad, and its owners. */
#include <stdio.h>

#include "cmd/command.h"
#include "device/dm.h"
#include "health/report.h"
#include "util/say.h"

static const struct option options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

static void print_json(const struct device *device, const struct bads *bads,
		       const struct report *report)
{
	struct json_object *json = new_object(), *list;
	size_t i;

	put_text(json, "name", device->name);
	list = put_array(json, "bad");
	for (i = 0; i < bads->nr; i++)
		add_object(list, report_json(report, &bads->bads[i]));
	json_print(json);
}

static void print(const struct bads *bads, const struct report *report)
{
	struct columns columns = { .align = REPORT_ALIGN };
	size_t i;

	if (!bads->nr) {
		puts("nothing is known to be bad");
		return;
	}
	columns_row(&columns, REPORT_HEAD);
	for (i = 0; i < bads->nr; i++)
		report_row(report, &bads->bads[i], &columns);
	columns_print(&columns);
	if (report->unknown)
		note("owners are not known: %s", report->unknown);
}

static int run(int argc, char **argv)
{
	const struct device *device;
	struct bads bads = { 0 };
	const char *name, *json;
	struct report report;
	struct mapped mapped;
	struct stack stack;

	name = name_and_option(argc, argv, options, &json);
	dm_begin();
	mapped = dm_device(name);
	stack_read(&stack);
	device = stack_find(&stack, mapped.dev);
	if (!device)
		die(EXIT_FAILED, "%s has just gone", name);
	bads_collect(&bads, &stack, device);
	report_find(&report, device, &bads);
	if (json)
		print_json(device, &bads, &report);
	else
		print(&bads, &report);
	return bads.nr ? EXIT_FOUND : EXIT_DONE;
}

const struct command command_damage = {
	.name = "damage",
	.arguments = "[--json] NAME",
	.what = "List the parts of a device that are known to be bad, and their owners",
	.help =
"Bad are blocks that a child's driver knows of (media), the page of each target's last\n"
"failure, or of each disk's that the device is attached to, and all of a child that is\n"
"gone. On a mounted XFS each has its owner: a file, its path and the offset in it, or\n"
"which metadata. Finding a path takes a walk through the filesystem. Exits with 3\n"
"if something is bad.\n\n"
"  --json  for programs\n",
	.run = run,
};
