// SPDX-License-Identifier: GPL-2.0
/* daxlinear monitor: print what becomes bad, as it does. */
#include <stdio.h>
#include <string.h>

#include "util/alloc.h"
#include "cmd/command.h"
#include "device/counters.h"
#include "device/dm.h"
#include "health/report.h"
#include "util/say.h"
#include "util/size.h"

static const struct option options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

/* What was printed, or was bad from the start. */
struct known {
	struct bads bads;
	struct table status;
};

/* The counters of the target that starts there; all 0 if there is none. */
static struct counters counters_at(const struct table *status, uint64_t start)
{
	struct counters counters = { 0 };
	size_t i;

	for (i = 0; i < status->nr; i++)
		if (status->targets[i].start_sectors == start &&
		    counters_read(&counters, status->targets[i].params))
			return counters;
	return (struct counters){ 0 };
}

/* How many failures a target had between the two statuses. */
static uint64_t count_new(const struct table *now, const struct table *then, size_t target)
{
	uint64_t start = now->targets[target].start_sectors;

	return counters_at(now, start).received - counters_at(then, start).received;
}

/* Whether a range has the last failure of a target that had one between the two statuses. */
static bool has_failed(const struct bad *bad, const struct table *now, const struct table *then)
{
	uint64_t last;
	size_t i;

	for (i = 0; i < now->nr; i++) {
		last = counters_at(now, now->targets[i].start_sectors).last_sector * SECTOR;
		if (count_new(now, then, i) && last - bad->start_bytes < bad->len_bytes)
			return true;
	}
	return false;
}

static void print_news(const struct device *device, const struct bads *news, bool json)
{
	struct columns columns = { .align = REPORT_ALIGN };
	struct report report;
	size_t i;

	report_find(&report, device, news);
	for (i = 0; i < news->nr; i++) {
		if (json) {
			json_print_line(report_json(&report, &news->bads[i]));
		} else {
			report_row(&report, &news->bads[i], &columns);
			columns_print(&columns);
		}
	}
	fflush(stdout);
	if (!json && news->nr && report.unknown)
		note("owners are not known: %s", report.unknown);
	report_free(&report);
}

/* Print what became bad, or failed again, since the last call; the first call prints nothing. */
static void look(const struct device *device, const struct stack *stack, struct known *known,
		 bool first, bool json)
{
	struct bads bads = { 0 }, news = { 0 };
	struct table status;
	uint64_t missed = 0;
	size_t i;

	if (!dm_status(device->name, &status))
		return;
	bads_collect(&bads, stack, device);
	news.children = bads.children;
	for (i = 0; i < bads.nr && !first; i++)
		if (!bads_have(&known->bads, &bads.bads[i]) ||
		    has_failed(&bads.bads[i], &status, &known->status))
			bads_add(&news, &bads.bads[i]);
	/* A status has only the offset of each target's last failure. */
	for (i = 0; i < status.nr && !first; i++)
		if (count_new(&status, &known->status, i))
			missed += count_new(&status, &known->status, i) - 1;
	if (news.nr)
		print_news(device, &news, json);
	if (missed)
		note("%ju more failures in the meantime: the kernel log has their places",
		     (uintmax_t)missed);
	free(news.bads);
	bads_free(&known->bads);
	table_free(&known->status);
	known->bads = bads;
	known->status = status;
}

static int run(int argc, char **argv)
{
	struct known known = { 0 };
	const struct device *device;
	const char *name, *json;
	struct mapped mapped;
	bool first = true;
	struct stack stack;
	dev_t dev;

	name = name_and_option(argc, argv, options, &json);
	dm_begin();
	mapped = dm_device(name);
	dev = mapped.dev;
	/* Read the number of events first, so that an event during the look ends the wait. */
	do {
		stack_read(&stack);
		device = stack_find(&stack, dev);
		if (!device)
			break;
		look(device, &stack, &known, first, json);
		first = false;
		stack_free(&stack);
	} while (dm_wait(dev, mapped.events) && dm_find_number(dev, &mapped));
	note("%s is gone", name);
	return EXIT_DONE;
}

const struct command command_monitor = {
	.name = "monitor",
	.arguments = "[--json] NAME",
	.what = "Wait for memory failures, and print each as damage does",
	.help =
"Prints each range that becomes bad from now on, with its owner, until the device is\n"
"removed. What was bad before is printed by damage.\n\n"
"  --json  for programs: an object a line\n",
	.run = run,
};
