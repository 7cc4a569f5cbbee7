// SPDX-License-Identifier: GPL-2.0
/* daxlinear damage: print the recorded bad ranges and their owners. */
#include <stdio.h>
#include <stdlib.h>

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
	list = put_array(json, "children");
	for (i = 0; i < bads->nr_children; i++)
		add_object(list, report_child_json(&bads->children[i]));
	json_print(json);
}

/* Print a line for each child that is gone, and rows for all other ranges. */
static void print_ranges(const struct bads *bads, const struct report *report)
{
	struct columns columns = { .align = REPORT_ALIGN };
	bool rows = false, *printed;
	size_t i;
	char *text;

	printed = calloc(bads->nr_children, sizeof(*printed));
	columns_row(&columns, REPORT_HEAD);
	for (i = 0; i < bads->nr; i++) {
		const struct bad *bad = &bads->bads[i];

		if (!(bad->known_by & BAD_GONE)) {
			report_row(report, bad, &columns);
			rows = true;
		} else if (printed && !printed[bad->child]) {
			printed[bad->child] = true;
			text = report_gone(&bads->children[bad->child], bad);
			puts(text);
			free(text);
		}
	}
	if (rows)
		columns_print(&columns);
	free(printed);
}

/* Print what the list of ranges lacks. */
static void print_gaps(const struct bads *bads)
{
	size_t i;

	for (i = 0; i < bads->nr_children; i++) {
		const struct bad_child *child = &bads->children[i];
		uint64_t lost = record_lost_events(&child->record);

		if (!child->recorded && !child->gone)
			note("%s: its failures are not recorded, because dax_holder has not held it; daxlinear check has the remedy",
			     child->name);
		if (child->record.overflow)
			note("%s: %ju failures did not fit in the kernel's record: they are listed as long as they are among the last 1,024",
			     child->name, (uintmax_t)child->record.overflow);
		if (lost)
			note("%s: of %ju failures, times and results of the first %ju are not kept",
			     child->name, (uintmax_t)child->record.failures, (uintmax_t)lost);
		if (child->cut)
			note("/sys/block/%s/badblocks is longer than a page, and the kernel leaves out the rest: ndctl start-scrub and the kernel log have more",
			     child->name);
	}
	if (bads->unknown)
		note("how a target \"%s\" maps is not known: what fails below it is not listed",
		     bads->unknown);
}

static void print(const struct bads *bads, const struct report *report)
{
	if (bads->nr)
		print_ranges(bads, report);
	else
		puts("no bad range is on record");
	print_gaps(bads);
	if (bads->nr && report->unknown)
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
	return bads_are_damage(&bads) ? EXIT_FOUND : EXIT_DONE;
}

const struct command command_damage = {
	.name = "damage",
	.arguments = "[--json] NAME|VG/LV",
	.what = "List the recorded bad ranges of a device, and their owners",
	.help =
"Lists what the kernel has recorded of failures in this boot (failure), the bad blocks\n"
"that a child's driver lists (media), what daxlinear monitor has kept of earlier boots\n"
"(history), and children that are gone. NAME may be a volume, VG/LV. Of a mounted XFS it\n"
"names the owner of each range: a file, its path and the offset in it, or which metadata.\n"
"To find paths it walks through an XFS that has no parent pointers. Exits with 3 if it\n"
"lists a range.\n\n"
"  --json  for programs\n",
	.run = run,
};
