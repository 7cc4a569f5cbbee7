// SPDX-License-Identifier: GPL-2.0
/*
 * Tables of mapped devices on mapped devices: whatever is written is read back, and every sector is
 * found where an oracle that goes down a step at a time finds it; so is each seam that is open. On
 * the way up, a range of a disk is found in all sectors that the oracle takes to it.
 */
#include <string.h>
#include <sys/sysmacros.h>

#include "../../tools/device/layout.h"
#include "unit.h"

/* Disks and partitions are those of this test. */
#define block_disk	unit_disk
#define block_start	unit_start
#include "../../tools/device/above.c"

/* Device n stands on devices below n; those of level 0 are at the bottom. */
#define NR_BOTTOM	4
#define NR_DEVICES	8
#define MAX_TARGETS	5
#define MAX_RANGES	4

static uint64_t sizes[NR_DEVICES];
static struct table tables[NR_DEVICES];
static struct layout layouts[NR_DEVICES];

static unsigned int number_of(dev_t dev)
{
	return minor(dev);
}

static const struct layout *layout_of(dev_t dev, void *data)
{
	CHECK(data == sizes);
	return number_of(dev) < NR_BOTTOM ? NULL : &layouts[number_of(dev)];
}

static void add_range(char *params, unsigned int device, uint64_t len, int with_len)
{
	unsigned int below = unit_below(device);
	uint64_t offset;

	while (sizes[below] < len)
		below = unit_below(NR_BOTTOM);
	offset = unit_below(sizes[below] - len + 1);
	sprintf(params + strlen(params), "253:%u %ju", below, (uintmax_t)offset);
	if (with_len)
		sprintf(params + strlen(params), " %ju", (uintmax_t)len);
}

static void make_device(unsigned int device)
{
	unsigned int nr = 1 + unit_below(MAX_TARGETS), i;
	uint64_t start = 0;

	table_free(&tables[device]);
	layout_free(&layouts[device]);
	for (i = 0; i < nr; i++) {
		char params[400] = "";
		uint64_t len = 0, range;
		unsigned int kind = unit_below(8), ranges = 1 + unit_below(MAX_RANGES);

		if (kind == 0) {
			len = 1 + unit_below(50);
			table_add(&tables[device], start, len, "striped", "2 8 253:0 0 253:1 0");
		} else if (kind < 4) {
			len = 1 + unit_below(50);
			add_range(params, device, len, 0);
			table_add(&tables[device], start, len, kind == 1 ? "linear" : "daxlinear",
				  params);
		} else {
			sprintf(params, "%u", ranges);
			while (ranges--) {
				strcat(params, " ");
				range = 1 + unit_below(20);
				add_range(params, device, range, 1);
				len += range;
			}
			if (unit_below(2))
				strcat(params, unit_below(2) ? " 1 align_pmd" :
				       " 2 align_pmd allow_move");
			table_add(&tables[device], start, len, "daxlinear", params);
		}
		start += len;
	}
	sizes[device] = start;
	CHECK(table_end(&tables[device]) == start);
	layout_read(&layouts[device], &tables[device]);
}

/* Two of the devices at the bottom are partitions of one disk. */
#define PARTITIONED	makedev(253, 100)

dev_t unit_disk(dev_t dev)
{
	return dev == makedev(253, 2) || dev == makedev(253, 3) ? PARTITIONED : dev;
}

uint64_t unit_start(dev_t dev)
{
	return unit_disk(dev) != PARTITIONED ? 0 : dev == makedev(253, 2) ? 10 : 2000;
}

static struct device devices_of_stack[NR_DEVICES];

/* Instead of that of device/stack.c: all mapped devices. */
size_t stack_floors(const struct stack *stack, const struct device *device,
		    const struct device ***floors)
{
	size_t nr = 0, i;

	CHECK(!stack && device == &devices_of_stack[NR_DEVICES - 1]);
	*floors = NULL;
	for (i = NR_BOTTOM; i < NR_DEVICES; i++) {
		*floors = grow(*floors, nr, sizeof(device));
		(*floors)[nr++] = &devices_of_stack[i];
	}
	return nr;
}

static int through_stripes;

/* One step down, by reading the text of the table anew. */
static int step_down(unsigned int *device, uint64_t *sector)
{
	const struct table *table = &tables[*device];
	char params[400], *words[64], *next;
	unsigned int i, nr = 0, below;
	uint64_t at;

	for (i = 0; ; i++)
		if (*sector < table->targets[i].start_sectors + table->targets[i].len_sectors)
			break;
	at = *sector - table->targets[i].start_sectors;
	if (!strcmp(table->targets[i].type, "striped")) {
		if (!through_stripes)
			return 0;
		*device = at / 8 % 2;
		*sector = at / 16 * 8 + at % 8;
		return 1;
	}
	strcpy(params, table->targets[i].params);
	for (next = strtok(params, " "); next; next = strtok(NULL, " "))
		words[nr++] = next;
	if (nr == 2) {
		sscanf(words[0], "253:%u", &below);
		*sector = strtoull(words[1], NULL, 10) + at;
	} else {
		for (i = 1; at >= strtoull(words[i + 2], NULL, 10); i += 3)
			at -= strtoull(words[i + 2], NULL, 10);
		sscanf(words[i], "253:%u", &below);
		*sector = strtoull(words[i + 1], NULL, 10) + at;
	}
	*device = below;
	return 1;
}

static void check_sectors(unsigned int top, const struct layout *leaves)
{
	uint64_t sector, at, end = 0;
	unsigned int device, i;

	for (i = 0; i < leaves->nr; i++) {
		CHECK(leaves->segments[i].start_sectors == end);
		CHECK(leaves->segments[i].len_sectors);
		end += leaves->segments[i].len_sectors;
	}
	CHECK(end == sizes[top]);
	CHECK(!layout_find(leaves, end));
	CHECK(!layout_find(leaves, UINT64_MAX));
	for (sector = 0; sector < end; sector++) {
		const struct segment *found = layout_find(leaves, sector);
		const struct target *target = &tables[top].targets[found->target];

		CHECK(sector - target->start_sectors < target->len_sectors);
		device = top;
		at = sector;
		while (device >= NR_BOTTOM && step_down(&device, &at))
			;
		if (device >= NR_BOTTOM) {
			CHECK(!found->dev);
			continue;
		}
		CHECK(found->dev == makedev(253, device));
		CHECK(found->offset_sectors + (sector - found->start_sectors) == at);
	}
}

/* Down to the bottom; 0 where a target maps in a way of its own. */
static int bottom(unsigned int device, uint64_t sector, unsigned int *at, uint64_t *at_sector)
{
	*at = device;
	*at_sector = sector;
	while (*at >= NR_BOTTOM)
		if (!step_down(at, at_sector))
			return 0;
	return 1;
}

/* The number of the line of a table, and of the range in it, that holds a sector. */
static void find_range(const struct table *table, uint64_t sector, unsigned int *line,
		       unsigned int *range)
{
	const struct target *target;
	unsigned long long len;
	int skip, word;

	for (*line = 0; ; (*line)++) {
		target = &table->targets[*line];
		if (sector < target->start_sectors + target->len_sectors)
			break;
	}
	*range = 0;
	sector -= target->start_sectors;
	if (sscanf(target->params, "%*u%n 253:%*u %*u %llu", &skip, &len) != 1 ||
	    strcmp(target->type, "daxlinear"))
		return;
	for (; ; (*range)++, sector -= len) {
		CHECK(sscanf(target->params + skip, " 253:%*u %*u %llu%n", &len, &word) == 1);
		skip += word;
		if (sector < len)
			return;
	}
}

/*
 * Whether some target on the way down has a sector and the next in two ranges of one line. Two that
 * follow one another below are read as one: the target bridges what is open there, which is not seen.
 */
static int oracle_bridged(unsigned int device, uint64_t sector)
{
	unsigned int lines[2], ranges[2], next_device;
	uint64_t next_sector;

	while (device >= NR_BOTTOM) {
		find_range(&tables[device], sector, &lines[0], &ranges[0]);
		find_range(&tables[device], sector + 1, &lines[1], &ranges[1]);
		if (lines[0] != lines[1])
			return 0;
		next_device = device;
		next_sector = sector + 1;
		if (!step_down(&device, &sector) || !step_down(&next_device, &next_sector))
			return 0;
		if (ranges[0] != ranges[1] &&
		    (device != next_device || sector + 1 != next_sector))
			return 1;
	}
	return 0;
}

static void check_open_seams(unsigned int top, const struct layout *leaves)
{
	uint64_t *seams, sector, places[2];
	size_t nr = layout_open_seams(leaves, &seams), next = 0;
	unsigned int devices[2];
	int known[2], open;

	for (sector = 0; sector + 1 < sizes[top]; sector++) {
		known[0] = bottom(top, sector, &devices[0], &places[0]);
		known[1] = bottom(top, sector + 1, &devices[1], &places[1]);
		open = next < nr && seams[next] == (sector + 1) * 512;
		next += open;
		/* What a target of an unknown kind maps is unknown too. */
		if (!known[0] && !known[1])
			continue;
		if (known[0] && known[1] && devices[0] == devices[1] && places[0] + 1 == places[1])
			CHECK(!open);
		else
			CHECK(open == !oracle_bridged(top, sector));
	}
	CHECK(next == nr);
	free(seams);
}

/* A range of a disk, shorter than any leg of a stripe, against all sectors of the device on top. */
static void check_above(void)
{
	uint64_t first = unit_below(3100), nr = 1 + unit_below(7), place;
	dev_t disk = unit_below(2) ? PARTITIONED : makedev(253, unit_below(2)), *disks;
	const unsigned int top = NR_DEVICES - 1;
	unsigned char found[NR_DEVICES * 1000] = { 0 };
	struct layout parts = { 0 };
	unsigned int device, i;
	struct above above;
	uint64_t sector, at;
	size_t nr_disks;
	dev_t dev;

	for (i = 0; i < NR_DEVICES; i++)
		devices_of_stack[i] = (struct device){
			.dev = makedev(253, i), .table = tables[i], .layout = layouts[i],
		};
	above_begin(&above, NULL, &devices_of_stack[top]);
	nr_disks = above_disks(&above, &disks);
	for (i = 0; i < nr_disks; i++)
		CHECK(disks[i] == makedev(253, 0) || disks[i] == makedev(253, 1) ||
		      disks[i] == PARTITIONED);
	above_find(&above, disk, first, nr, &parts);
	through_stripes = 1;
	for (i = 0; i < parts.nr; i++) {
		const struct segment *part = &parts.segments[i];

		for (sector = 0; sector < part->len_sectors; sector++) {
			CHECK(bottom(top, part->start_sectors + sector, &device, &at));
			CHECK(part->dev == makedev(253, device));
			CHECK(part->offset_sectors + sector == at);
			found[part->start_sectors + sector]++;
		}
	}
	for (sector = 0; sector < sizes[top]; sector++) {
		CHECK(bottom(top, sector, &device, &at));
		dev = makedev(253, device);
		place = unit_start(dev) + at;
		CHECK(found[sector] ==
		      (unit_disk(dev) == disk && place >= first && place - first < nr));
	}
	through_stripes = 0;
	above_end(&above);
	layout_free(&parts);
	free(disks);
}

/* All of a striped target is lost with one of its legs. */
static void whole_leg(void)
{
	struct device *device = &devices_of_stack[NR_DEVICES - 1];
	struct layout parts = { 0 };
	struct above above;

	memset(devices_of_stack, 0, sizeof(devices_of_stack));
	device->dev = makedev(253, 50);
	table_add(&device->table, 0, 8, "linear", "253:1 0");
	table_add(&device->table, 8, 64, "striped", "2 8 253:0 16 253:1 100");
	table_add(&device->table, 72, 8, "zero", "");
	layout_read(&device->layout, &device->table);
	above_begin(&above, NULL, device);
	CHECK(!strcmp(above.unknown, "zero"));
	above_find(&above, makedev(253, 1), 0, UINT64_MAX, &parts);
	CHECK(parts.nr == 2 && !parts.segments[0].start_sectors);
	CHECK(parts.segments[1].start_sectors == 8 && parts.segments[1].len_sectors == 64);
	CHECK(parts.segments[1].dev == makedev(253, 1));
	CHECK(parts.segments[1].offset_sectors == 100);
	above_end(&above);
	layout_free(&parts);
	table_free(&device->table);
	layout_free(&device->layout);
}

static void random_stack(void)
{
	struct layout leaves = { 0 };
	unsigned int i;

	for (i = 0; i < NR_BOTTOM; i++)
		sizes[i] = 50 + unit_below(1000);
	for (; i < NR_DEVICES; i++)
		make_device(i);
	layout_flatten(&leaves, &layouts[NR_DEVICES - 1], layout_of, sizes);
	check_sectors(NR_DEVICES - 1, &leaves);
	check_open_seams(NR_DEVICES - 1, &leaves);
	check_above();
	layout_free(&leaves);
}

/* Lines that are not as the modules write them: nothing is known of what is there. */
static void odd_lines(void)
{
	static const char * const odd[] = {
		"", " ", "253:0", "253:0 x", "253:0 0 8", "pmem0 0", "1 253:0 0", "1 253:0 0 9",
		"1 253:0 0 7", "2 253:0 0 8", "1 253:0 x 8", "1 253 0 8", "x 253:0 0 8",
		"0", "1 253:0: 0 8", "253:0  0",
	};
	size_t i;

	for (i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		struct table table = { 0 };
		struct layout layout = { 0 };

		table_add(&table, 0, 8, "linear", "253:1 8");
		table_add(&table, 8, 8, "daxlinear", odd[i]);
		layout_read(&layout, &table);
		CHECK(layout.nr == 2 && layout.segments[0].dev && !layout.segments[1].dev);
		CHECK(layout.segments[1].start_sectors == 8 && layout.segments[1].len_sectors == 8);
		table_free(&table);
		layout_free(&layout);
	}
}

static void text(void)
{
	char *buffer = NULL;
	size_t size;
	FILE *file = open_memstream(&buffer, &size);
	struct table table = { 0 };

	table_add(&table, 0, 16, "daxlinear", "/dev/pmem0 0");
	table_add(&table, 16, 8, "daxlinear", "1 /dev/pmem1 0 8 1 align_pmd");
	table_write(&table, file);
	fclose(file);
	CHECK(!strcmp(buffer, "0 16 daxlinear /dev/pmem0 0\n"
			      "16 8 daxlinear 1 /dev/pmem1 0 8 1 align_pmd\n"));
	free(buffer);
	table_free(&table);
	CHECK(!table_end(&table));
}

int main(int argc, char **argv)
{
	unsigned long cases = argc > 1 ? strtoul(argv[1], NULL, 0) : 1000000;
	unsigned int i;

	text();
	odd_lines();
	whole_leg();
	for (unit_case = 0; unit_case < cases / 100; unit_case++)
		random_stack();
	for (i = 0; i < NR_DEVICES; i++) {
		table_free(&tables[i]);
		layout_free(&layouts[i]);
	}
	printf("layout: %lu random stacks agree with the oracle\n", cases / 100);
	return 0;
}
