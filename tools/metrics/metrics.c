// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include <sys/sysmacros.h>

#include "device/attach.h"
#include "device/counters.h"
#include "fs/mounts.h"
#include "health/bad.h"
#include "health/namespace.h"
#include "health/record.h"
#include "metrics/metrics.h"
#include "metrics/openmetrics.h"
#include "sys/sysfs.h"
#include "util/alloc.h"
#include "util/size.h"

enum {
	MODULE, DEVICE, SIZE, RANGES, CHILD_BYTES, GONE, SUSPENDED, NOTIFIED, BAD,
	CHILD, CHILD_GONE, CHILD_FAILURES, CHILD_PARTIAL, CHILD_BAD, CHILD_LAST, NR_METRICS
};

static struct metric metrics[NR_METRICS] = {
	[MODULE] = { .name = "daxlinear_module_info",
		.help = "1 for each kernel module that is loaded, with its version." },
	[DEVICE] = { .name = "daxlinear_device_info",
		.help = "1 for each device, with its number and the filesystem on it." },
	[SIZE] = { .name = "daxlinear_device_size_bytes", .unit = "bytes",
		.help = "The size of the device." },
	[RANGES] = { .name = "daxlinear_device_ranges",
		.help = "The number of ranges of children that the device maps." },
	[CHILD_BYTES] = { .name = "daxlinear_device_child_bytes", .unit = "bytes",
		.help = "How much of a child the device maps." },
	[GONE] = { .name = "daxlinear_device_gone_bytes", .unit = "bytes",
		.help = "How much of the device is on children that are gone." },
	[SUSPENDED] = { .name = "daxlinear_device_suspended",
		.help = "Whether the device is suspended, so that I/O waits." },
	[NOTIFIED] = { .name = "daxlinear_device_notified",
		.help = "Whether failures of all memory below the device are forwarded to it." },
	[BAD] = { .name = "daxlinear_device_bad_bytes", .unit = "bytes",
		.help = "How much of the device is lost, as daxlinear damage lists it." },
	[CHILD] = { .name = "daxlinear_child_info",
		.help = "1 for each child, with the UUID of its namespace." },
	[CHILD_GONE] = { .name = "daxlinear_child_gone",
		.help = "Whether the child is gone." },
	[CHILD_FAILURES] = { .name = "daxlinear_child_failures_total", .is_counter = true,
		.help = "Failures that the kernel has recorded for the child." },
	[CHILD_PARTIAL] = { .name = "daxlinear_child_unrecorded_failures_total", .is_counter = true,
		.help = "Failures whose range is not in the record of the child, which was full." },
	[CHILD_BAD] = { .name = "daxlinear_child_bad_bytes", .unit = "bytes",
		.help = "How much of the child is bad, as the kernel has recorded." },
	[CHILD_LAST] = { .name = "daxlinear_child_last_failure_timestamp_seconds", .unit = "seconds",
		.help = "When the last failure of the child arrived." },
};

/* The counts of failures of devices, one for each of counters_table. */
static struct metric counts[NR_COUNTERS];

static void add_ranges(const struct device *device)
{
	const char * const *labels = LABELS("device", device->name);
	uint64_t gone_sectors = 0, sectors;
	size_t nr = 0, i, j;

	for (i = 0; i < device->layout.nr; i++) {
		const struct segment *segments = device->layout.segments;
		dev_t dev = segments[i].dev;
		char *child;

		if (!dev)
			continue;
		nr++;
		/* A child has one sample, however many ranges it has. */
		for (j = 0; segments[j].dev != dev; j++)
			;
		if (j < i)
			continue;
		for (sectors = 0; j < device->layout.nr; j++)
			sectors += segments[j].dev == dev ? segments[j].len_sectors : 0;
		gone_sectors += block_exists(dev) ? 0 : sectors;
		child = record_name(dev);
		metric_add(&metrics[CHILD_BYTES], sectors * SECTOR,
			   LABELS("device", device->name, "child", child));
		free(child);
	}
	metric_add(&metrics[RANGES], nr, labels);
	metric_add(&metrics[GONE], gone_sectors * SECTOR, labels);
}

/* The counts of all targets, and of all disks that the device is attached to. */
static void add_counts(const struct device *device, const struct table *status)
{
	const char * const *labels = LABELS("device", device->name);
	uint64_t sums[NR_COUNTERS] = { 0 };
	struct counters counters;
	struct attached *attached;
	size_t nr, i, j;

	for (i = 0; i < status->nr; i++) {
		if (strcmp(status->targets[i].type, TARGET_OURS) ||
		    !counters_read(&counters, status->targets[i].params))
			continue;
		for (j = 0; j < NR_COUNTERS; j++)
			sums[j] += *counter_value(&counters, &counters_table[j]);
	}
	nr = attached_read(device->dev, &attached);
	for (i = 0; i < nr; i++)
		for (j = 0; j < NR_COUNTERS; j++)
			sums[j] += *counter_value(&attached[i].counters, &counters_table[j]);
	attached_free(attached, nr);
	for (j = 0; j < NR_COUNTERS; j++) {
		if (!counts[j].name)
			counts[j] = (struct metric){
				.name = format_text("daxlinear_device_%s_failures_total",
						    counters_table[j].name),
				.is_counter = true,
				.help = counters_table[j].what,
			};
		metric_add(&counts[j], sums[j], labels);
	}
}

static void add_bad(const struct stack *stack, const struct device *device)
{
	const char * const *labels = LABELS("device", device->name);
	struct bads bads = { 0 };
	uint64_t bytes = 0;
	size_t i;

	bads_collect(&bads, stack, device);
	for (i = 0; i < bads.nr; i++)
		if (!bad_is_quarantined(&bads.bads[i]))
			bytes += bads.bads[i].len_bytes - bads.bads[i].quarantined_bytes;
	bads_free(&bads);
	metric_add(&metrics[BAD], bytes, labels);
}

/* Add all metrics of a device. */
void metrics_add_device(const struct stack *stack, const struct device *device,
			const struct mapped *mapped, const struct table *status)
{
	const char * const *labels = LABELS("device", device->name);
	char *number = format_text("%u:%u", major(mapped->dev), minor(mapped->dev));
	struct mount mount = { 0 };

	mount_find(mapped->dev, &mount);
	metric_add(&metrics[DEVICE], 1,
		   LABELS("device", device->name, "number", number,
			  "filesystem", mount.type ?: "", "mountpoint", mount.folder ?: ""));
	metric_add(&metrics[SIZE], table_end(&device->table) * SECTOR, labels);
	metric_add(&metrics[SUSPENDED], mapped->suspended, labels);
	metric_add(&metrics[NOTIFIED], is_notified(device->dev), labels);
	add_ranges(device);
	add_counts(device, status);
	add_bad(stack, device);
	free(number);
}

static void add_child(const char *disk, const struct history *history)
{
	struct child_id id = { .disk = disk };
	const char * const *labels = LABELS("child", disk);
	struct record record;
	uint64_t bytes = 0;
	char *namespace;
	size_t i;

	/* The module may have been unloaded meanwhile. */
	if (!record_read(&record, disk))
		return;
	for (i = 0; i < record.nr_ranges; i++)
		bytes += record.ranges[i].sectors * SECTOR;
	record_dev(disk, &id.dev);
	id.gone = record.gone;
	namespace = namespace_find(&id, history);
	metric_add(&metrics[CHILD], 1, LABELS("child", disk, "namespace", namespace ?: ""));
	free(namespace);
	metric_add(&metrics[CHILD_GONE], record.gone, labels);
	metric_add(&metrics[CHILD_FAILURES], record.failures, labels);
	metric_add(&metrics[CHILD_PARTIAL], record.overflow, labels);
	metric_add(&metrics[CHILD_BAD], bytes, labels);
	if (record.nr_events)
		metric_add(&metrics[CHILD_LAST],
			   record.events[record.nr_events - 1].time_ns / 1000000000, labels);
	record_free(&record);
}

static void add_module(const char *module)
{
	char *version = read_text("/sys/module/%s/version", module);

	if (version)
		metric_add(&metrics[MODULE], 1, LABELS("module", module, "version", version));
	free(version);
}

/* Print the metrics of the devices that were added, of all children and of the modules. */
void metrics_print(FILE *file)
{
	struct history history;
	char **disks;
	size_t nr = records_list(&disks), i;

	history_load(&history, HISTORY_FOLDER);
	add_module("dax_holder");
	add_module("dm_daxlinear");
	for (i = 0; i < nr; i++) {
		add_child(disks[i], &history);
		free(disks[i]);
	}
	free(disks);
	history_free(&history);
	for (i = 0; i < NR_METRICS; i++)
		metric_print(&metrics[i], file);
	for (i = 0; i < NR_COUNTERS; i++)
		metric_print(&counts[i], file);
	metrics_end(file);
}
