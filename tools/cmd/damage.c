// SPDX-License-Identifier: GPL-2.0
/* daxlinear damage: print the recorded bad ranges and their owners. */
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
		puts("no bad range is on record: earlier failures are in the kernel log");
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
		die(EXIT_FAILED, "%s was removed just now", name);
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
	.what = "List the recorded bad ranges of a device, and their owners",
	.help =
"Lists the bad blocks that a child's driver lists (media), the page of the last memory\n"
"failure of each target, or of each disk that the device is attached to, and all of a\n"
"child that is gone. Earlier failures are in the kernel log. Of a mounted XFS it names\n"
"the owner of each range: a file, its path and the offset in it, or which metadata. To\n"
"find a path it walks through the filesystem. Exits with 3 if it lists a range.\n\n"
"  --json  for programs\n",
	.run = run,
};
