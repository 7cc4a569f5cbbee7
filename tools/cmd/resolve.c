// SPDX-License-Identifier: GPL-2.0
/* daxlinear resolve: translate an offset of a device into those below and above it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "util/alloc.h"
#include "util/columns.h"
#include "cmd/command.h"
#include "device/dm.h"
#include "device/huge.h"
#include "util/json.h"
#include "util/say.h"
#include "util/size.h"
#include "device/stack.h"
#include "sys/sysfs.h"

static const struct option options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

/* An offset in a device. */
struct place {
	dev_t dev;
	uint64_t bytes;
};

/* Output: rows, or lists of JSON. */
struct output {
	const struct stack *stack;
	struct columns columns;
	struct json_object *json, *list;
	size_t nr;
};

static void print(struct output *output, const char *relation, struct place place)
{
	char *path = block_path(place.dev), memory[24] = "";
	bool bottom = !stack_find(output->stack, place.dev);
	struct json_object *json;
	uint64_t phys;

	output->nr++;
	bottom = bottom && huge_phys(place.dev, &phys);
	if (bottom)
		snprintf(memory, sizeof(memory), "0x%jx", (uintmax_t)(phys + place.bytes));
	if (output->list) {
		json = new_object();
		put_text(json, "device", path);
		put_number(json, "offset_bytes", place.bytes);
		if (bottom)
			put_number(json, "memory_bytes", phys + place.bytes);
		add_object(output->list, json);
	} else {
		columns_row(&output->columns, "%s\t%s\t0x%jx\t%ju\t%s", relation, path,
			    (uintmax_t)place.bytes, (uintmax_t)(place.bytes / SECTOR), memory);
	}
	free(path);
}

/* Translate the place downwards, one level at a time. */
static void print_below(struct output *output, struct place place, unsigned int depth)
{
	const struct device *device = stack_find(output->stack, place.dev);
	const struct segment *segment;
	struct place below;

	if (!device || depth == DEPTH_MAX)
		return;
	segment = layout_find(&device->layout, place.bytes / SECTOR);
	if (!segment)
		return;
	if (!segment->dev) {
		note("%s is %s there: how that maps is not known", device->name,
		     device->table.targets[segment->target].type);
		return;
	}
	below.dev = segment->dev;
	below.bytes = place.bytes - segment->start_sectors * SECTOR +
		      segment->offset_sectors * SECTOR;
	print(output, "below", below);
	print_below(output, below, depth + 1);
}

/* Translate the place upwards into every device that maps it, directly or by a partition. */
static void print_above(struct output *output, struct place place, unsigned int depth)
{
	dev_t disk = block_disk(place.dev);
	uint64_t sector = place.bytes / SECTOR + block_start(place.dev), from;
	size_t i, j;

	for (i = 0; i < output->stack->nr && depth < DEPTH_MAX; i++) {
		const struct device *device = &output->stack->devices[i];

		for (j = 0; j < device->layout.nr; j++) {
			const struct segment *segment = &device->layout.segments[j];
			struct place above = { .dev = device->dev };

			if (!segment->dev || block_disk(segment->dev) != disk)
				continue;
			from = segment->offset_sectors + block_start(segment->dev);
			if (sector < from || sector - from >= segment->len_sectors)
				continue;
			above.bytes = (segment->start_sectors + sector - from) * SECTOR +
				      place.bytes % SECTOR;
			print(output, "above", above);
			print_above(output, above, depth + 1);
		}
	}
}

/* Find a device by a mapped device's name, a volume's VG/LV, a path, or the kernel's name. */
static dev_t find_device(const char *given)
{
	struct mapped mapped;
	struct stat status;
	char *path;

	if (strchr(given, '/') ? dm_find_volume(given, &mapped) : dm_find(given, &mapped))
		return mapped.dev;
	path = strchr(given, '/') ? copy_text(given) : format_text("/dev/%s", given);
	if (stat(path, &status))
		die(EXIT_FAILED, "%s: neither a mapped device nor a device: %s", given,
		    strerror(errno));
	if (!S_ISBLK(status.st_mode))
		die(EXIT_FAILED, "%s is no block device", path);
	free(path);
	return status.st_rdev;
}

static int run(int argc, char **argv)
{
	const char *given = NULL, *offset = NULL;
	char text[2][SIZE_TEXT_LEN];
	struct output output = { .columns.align = "llrrr" };
	struct place place;
	struct stack stack;
	int option;

	while ((option = next_option(argc, argv, options)) != -1) {
		if (option == 'j')
			output.json = new_object();
		else if (option == ARGUMENT && !given)
			given = optarg;
		else if (option == ARGUMENT)
			one_argument(&offset, "OFFSET");
	}
	if (!offset)
		usage("give a device and an OFFSET");
	place.bytes = size_option("OFFSET", offset);

	dm_begin();
	place.dev = find_device(given);
	if (place.bytes / SECTOR >= block_sectors(place.dev))
		die(EXIT_FAILED, "%s ends at %s, before %s", given,
		    size_text(block_sectors(place.dev) * SECTOR, text[0]),
		    size_text(place.bytes, text[1]));
	stack_read(&stack);
	output.stack = &stack;
	if (output.json) {
		output.list = put_array(output.json, "above");
		print_above(&output, place, 0);
		output.list = put_array(output.json, "below");
		print_below(&output, place, 0);
		json_print(output.json);
		return EXIT_DONE;
	}
	columns_row(&output.columns, "\tdevice\toffset\tsector\tmemory");
	print_above(&output, place, 0);
	print(&output, "", place);
	print_below(&output, place, 0);
	if (output.nr == 1)
		note("nothing stands on %s there", given);
	columns_print(&output.columns);
	return EXIT_DONE;
}

const struct command command_resolve = {
	.name = "resolve",
	.arguments = "[--json] NAME|DEV OFFSET",
	.what = "Show where a place of a device is in those below and above it",
	.help =
"OFFSET counts from the start of the device that is given, a mapped device or any\n"
"device that mapped devices stand on. It is in bytes, in hex with 0x, or has a unit.\n\n"
"  --json  for programs\n",
	.run = run,
};
