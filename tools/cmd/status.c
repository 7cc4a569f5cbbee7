// SPDX-License-Identifier: GPL-2.0
/* daxlinear status: print the ranges of devices and their counts of failures. */
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "util/alloc.h"
#include "device/attach.h"
#include "util/columns.h"
#include "cmd/command.h"
#include "device/counters.h"
#include "device/dm.h"
#include "util/json.h"
#include "fs/mounts.h"
#include "member/disks.h"
#include "health/record.h"
#include "metrics/metrics.h"
#include "util/replace.h"
#include "util/say.h"
#include "util/size.h"
#include "device/stack.h"
#include "sys/pages.h"
#include "sys/sysfs.h"

static const struct option options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "openmetrics", no_argument, NULL, 'm' },
	{ "output", required_argument, NULL, 'o' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

/* Read the counters of a target; false if it is no daxlinear. */
static bool read_counters(const struct table *status, unsigned int target,
			  struct counters *counters)
{
	return target < status->nr && !strcmp(status->targets[target].type, TARGET_OURS) &&
	       counters_read(counters, status->targets[target].params);
}

static void print_ranges(const struct device *device)
{
	struct columns columns = { .align = "rrlrl" };
	char start[SIZE_TEXT_LEN], len[SIZE_TEXT_LEN], offset[SIZE_TEXT_LEN], *child;
	size_t i;

	columns_row(&columns, "start\tlength\tchild\toffset\tstate");
	for (i = 0; i < device->layout.nr; i++) {
		const struct segment *segment = &device->layout.segments[i];

		size_text(segment->start_sectors * SECTOR, start);
		size_text(segment->len_sectors * SECTOR, len);
		if (!segment->dev) {
			columns_row(&columns, "%s\t%s\t(%s)", start, len,
				    device->table.targets[segment->target].type);
			continue;
		}
		child = record_path(segment->dev);
		columns_row(&columns, "%s\t%s\t%s\t%s\t%s", start, len, child,
			    size_text(segment->offset_sectors * SECTOR, offset),
			    block_exists(segment->dev) ? "alive" : "gone");
		free(child);
	}
	columns_print(&columns);
}

static char *last_failure(const struct counters *counters)
{
	if (!counters->failed)
		return copy_text("-");
	return format_text("0x%jx", (uintmax_t)(counters->last_sector * SECTOR));
}

/* The child that had the last failure. */
static char *last_child(const struct device *device, const struct counters *counters)
{
	const struct segment *segment = layout_find(&device->layout, counters->last_sector);

	return counters->failed && segment ? block_path(segment->dev) : copy_text("");
}

/* A row per target: each counts for all its ranges together. */
static void print_counters(const struct device *device, const struct table *status)
{
	struct columns columns = { .align = "r" COUNTERS_ALIGN "rl" };
	char start[SIZE_TEXT_LEN], *counts = counters_row(NULL), *last, *child;
	struct counters counters;
	unsigned int i;

	columns_row(&columns, "target\t%s\tlast failure\tof child", counts);
	free(counts);
	for (i = 0; i < device->table.nr; i++) {
		if (!read_counters(status, i, &counters))
			continue;
		counts = counters_row(&counters);
		last = last_failure(&counters);
		child = last_child(device, &counters);
		columns_row(&columns, "%s\t%s\t%s\t%s",
			    size_text(device->table.targets[i].start_sectors * SECTOR, start),
			    counts, last, child);
		free(counts);
		free(last);
		free(child);
	}
	if (device_is_ours(device))
		columns_print(&columns);
}

/* A row per disk that the device is attached to. */
static void print_attached(const struct device *device)
{
	struct columns columns = { .align = "ll" COUNTERS_ALIGN "r" };
	char *counts = counters_row(NULL), *last, *child;
	struct attached *attached;
	size_t nr = attached_read(device->dev, &attached), i;

	columns_row(&columns, "attached to\tstate\t%s\tlast failure", counts);
	free(counts);
	for (i = 0; i < nr; i++) {
		counts = counters_row(&attached[i].counters);
		last = last_failure(&attached[i].counters);
		child = attached[i].dev ? block_path(attached[i].dev) :
			format_text("/dev/%s", attached[i].child);
		columns_row(&columns, "%s\t%s\t%s\t%s", child,
			    attached[i].alive ? "alive" : "gone", counts, last);
		free(counts);
		free(last);
		free(child);
	}
	if (nr)
		columns_print(&columns);
	attached_free(attached, nr);
}

/* A range that loses mappings of huge pages works, but slower, so it goes unnoticed. */
static void print_lost_pmd(const struct device *device, const struct table *status)
{
	char start[SIZE_TEXT_LEN], huge[SIZE_TEXT_LEN];
	struct counters counters;
	unsigned int i;

	size_text(huge_page_bytes(), huge);
	for (i = 0; i < device->table.nr; i++)
		if (read_counters(status, i, &counters) && counters.loses_pmd)
			printf("range %ju of the target at %s loses %s mappings\n",
			       (uintmax_t)counters.lost_pmd,
			       size_text(device->table.targets[i].start_sectors * SECTOR, start),
			       huge);
}

static void print_device(const struct device *device, const struct mapped *mapped,
			 const struct table *status, const struct set *set)
{
	char text[SIZE_TEXT_LEN];
	struct mount mount;

	printf("%s: /dev/mapper/%s, %u:%u, %s", mapped->name, mapped->name, major(mapped->dev),
	       minor(mapped->dev), size_text(table_end(&device->table) * SECTOR, text));
	if (mount_find(mapped->dev, &mount))
		printf(", %s on %s", mount.type, mount.folder);
	if (set)
		printf(", of %zu members, %s", set->nr, set_state_text(set));
	printf("%s\n", mapped->suspended ? ", suspended" : "");
	print_ranges(device);
	print_counters(device, status);
	print_lost_pmd(device, status);
	print_attached(device);
}

static void add_range(struct json_object *ranges, const struct segment *segment)
{
	struct json_object *range = new_object();
	char *name = record_name(segment->dev);
	char *number = format_text("%u:%u", major(segment->dev), minor(segment->dev));

	put_number(range, "start_bytes", segment->start_sectors * SECTOR);
	put_number(range, "length_bytes", segment->len_sectors * SECTOR);
	put_text(range, "child", name);
	put_text(range, "number", number);
	put_number(range, "offset_bytes", segment->offset_sectors * SECTOR);
	put_bool(range, "alive", block_exists(segment->dev));
	add_object(ranges, range);
	free(name);
	free(number);
}

static void put_counters(struct json_object *json, struct counters *counters)
{
	size_t i;

	for (i = 0; i < NR_COUNTERS; i++)
		put_number(json, counters_table[i].name,
			   *counter_value(counters, &counters_table[i]));
	if (counters->failed)
		put_number(json, "last_failure_bytes", counters->last_sector * SECTOR);
	else
		put_text(json, "last_failure_bytes", NULL);
}

static struct json_object *target_json(const struct device *device, const struct table *status,
				       unsigned int number)
{
	const struct target *target = &device->table.targets[number];
	struct json_object *json = new_object(), *ranges;
	struct counters counters;
	size_t i;

	put_text(json, "type", target->type);
	put_number(json, "start_bytes", target->start_sectors * SECTOR);
	put_number(json, "length_bytes", target->len_sectors * SECTOR);
	ranges = put_array(json, "ranges");
	for (i = 0; i < device->layout.nr; i++)
		if (device->layout.segments[i].target == number && device->layout.segments[i].dev)
			add_range(ranges, &device->layout.segments[i]);
	if (!read_counters(status, number, &counters))
		return json;
	put_number(json, "children_alive", counters.alive);
	put_number(json, "children_gone", counters.gone);
	put_counters(json, &counters);
	if (counters.loses_pmd)
		put_number(json, "loses_pmd_range", counters.lost_pmd);
	else
		put_text(json, "loses_pmd_range", NULL);
	return json;
}

/* A device that is not attached has no list. */
static void put_attached(struct json_object *json, const struct device *device)
{
	struct json_object *list;
	struct attached *attached;
	size_t nr = attached_read(device->dev, &attached), i;

	if (!nr)
		return;
	list = put_array(json, "attached");
	for (i = 0; i < nr; i++) {
		struct json_object *one = new_object();

		put_text(one, "child", attached[i].child);
		put_bool(one, "alive", attached[i].alive);
		put_counters(one, &attached[i].counters);
		add_object(list, one);
	}
	attached_free(attached, nr);
}

static struct json_object *device_json(const struct device *device, const struct mapped *mapped,
				       const struct table *status, const struct set *set)
{
	struct json_object *json = new_object(), *targets;
	char *number = format_text("%u:%u", major(mapped->dev), minor(mapped->dev));
	struct mount mount = { 0 };
	unsigned int i;

	mount_find(mapped->dev, &mount);
	put_text(json, "name", mapped->name);
	put_text(json, "number", number);
	put_number(json, "size_bytes", table_end(&device->table) * SECTOR);
	put_bool(json, "suspended", mapped->suspended);
	put_number(json, "open_count", mapped->open_count);
	put_text(json, "filesystem", mount.type);
	put_text(json, "mounted_on", mount.folder);
	put_text(json, "set", set ? set->uuid : NULL);
	targets = put_array(json, "targets");
	for (i = 0; i < device->table.nr; i++)
		add_object(targets, target_json(device, status, i));
	put_attached(json, device);
	free(number);
	return json;
}

static void print_metrics(const char *output)
{
	FILE *file = output ? replace_begin(output) : stdout;

	metrics_print(file);
	if (output)
		replace_end(file);
}

static int run(int argc, char **argv)
{
	struct json_object *json = NULL, *devices = NULL;
	const char *name = NULL, *output = NULL;
	struct machine machine;
	bool metrics = false;
	struct mapped only;
	struct stack stack;
	size_t nr = 0, i;
	int option;

	while ((option = next_option(argc, argv, options)) != -1) {
		if (option == ARGUMENT) {
			one_argument(&name, "NAME");
		} else if (option == 'j') {
			json = new_object();
			devices = put_array(json, "devices");
		} else if (option == 'm') {
			metrics = true;
		} else {
			output = optarg;
		}
	}
	if (metrics && json)
		usage("give --json or --openmetrics");
	/* A collector would take devices that are not there for removed. */
	if (metrics && name)
		usage("--openmetrics prints all devices: \"%s\" is too much", name);
	if (output && (!metrics || !*output))
		usage(metrics ? "--output wants a FILE" : "--output needs --openmetrics");

	dm_begin();
	if (name)
		only = dm_device(name);
	stack_read(&stack);
	machine_read(&machine);
	for (i = 0; i < stack.nr; i++) {
		const struct device *device = &stack.devices[i];
		const struct set *set = set_of_layout(&machine, &device->layout);
		struct mapped mapped;
		struct table status;

		if (name ? device->dev != only.dev :
		    !device_is_ours(device) && !is_attached(device->dev))
			continue;
		nr++;
		/* The device may have been removed meanwhile. */
		if (!dm_find(device->name, &mapped) || !dm_status(device->name, &status))
			continue;
		if (metrics)
			metrics_add_device(&stack, device, &mapped, &status);
		else if (json)
			add_object(devices, device_json(device, &mapped, &status, set));
		else
			print_device(device, &mapped, &status, set);
	}
	if (metrics)
		print_metrics(output);
	else if (json)
		json_print(json);
	else if (!nr)
		note("no device has a daxlinear target, or is attached");
	return EXIT_DONE;
}

const struct command command_status = {
	.name = "status",
	.arguments = "[--json] [NAME] | --openmetrics [--output FILE]",
	.what = "Show devices, their children and their counters",
	.help =
"Without a NAME, all mapped devices with a daxlinear target, and those that are\n"
"attached (see daxlinear attach): their ranges, and counters of failures, which each\n"
"target has for all its ranges together: received, forwarded to the filesystem on the\n"
"device, handled there, left to the kernel's generic handling, and where in the device\n"
"the last one was.\n\n"
"  --json         for programs\n"
"  --openmetrics  metrics of all devices and children, for monitoring systems\n"
"  --output FILE  write the metrics to FILE, which is replaced as a whole\n",
	.run = run,
};
