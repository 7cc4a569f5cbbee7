// SPDX-License-Identifier: GPL-2.0
/*
 * Tables of ours as one line: every sector stays where it was, no two neighbours are left that could
 * be one range, and what is read back from what was written is the same.
 */
#include <string.h>
#include <sys/sysmacros.h>

#include "../../tools/device/line.h"
#include "unit.h"

#define MAX_TARGETS	6
#define MAX_RANGES	5
#define NR_DEVICES	3

/* Where a sector is, as device and sector of it in one number. */
static uint64_t where[MAX_TARGETS * MAX_RANGES * 20];

static void add_range(struct target *target, char *params, uint64_t *end)
{
	unsigned int device = unit_below(NR_DEVICES), len = 1 + unit_below(20), i;
	uint64_t offset = unit_below(100);

	/* Often it continues where the last one ended. */
	if (*end && unit_below(2)) {
		device = where[*end - 1] >> 32;
		offset = (uint32_t)where[*end - 1] + 1;
	}
	for (i = 0; i < len; i++)
		where[(*end)++] = (uint64_t)device << 32 | (offset + i);
	target->len_sectors += len;
	sprintf(params + strlen(params), " 259:%u %ju %u", device, (uintmax_t)offset, len);
}

/* Make a table; return the word that its first line has for align_pmd, if all have one. */
static const char *make_table(struct table *table)
{
	static const char * const names[] = { "align_pmd", "align_2m" };
	unsigned int nr = 1 + unit_below(MAX_TARGETS), ranges;
	const char *first = NULL, *align;
	uint64_t end = 0;
	bool all = true;

	while (nr--) {
		struct target target = { .start_sectors = end };
		char params[400];

		ranges = 1 + unit_below(MAX_RANGES);
		sprintf(params, "%u", ranges);
		while (ranges--)
			add_range(&target, params, &end);
		align = unit_below(4) ? names[unit_below(2)] : NULL;
		all &= !!align;
		first = table->nr ? first : align;
		if (align)
			sprintf(params + strlen(params),
				unit_below(2) ? " 1 %s" : " 2 %s allow_move", align);
		else if (unit_below(2))
			strcat(params, " 1 allow_move");
		table_add(table, target.start_sectors, target.len_sectors, "daxlinear", params);
	}
	return all ? first : NULL;
}

static void check_places(const struct layout *layout, uint64_t end)
{
	uint64_t sector;
	size_t i;

	for (sector = 0; sector < end; sector++) {
		const struct segment *found = layout_find(layout, sector);

		CHECK(found->dev == makedev(259, where[sector] >> 32));
		CHECK(found->offset_sectors + sector - found->start_sectors ==
		      (uint32_t)where[sector]);
	}
	for (i = 1; i < layout->nr; i++) {
		const struct segment *one = &layout->segments[i - 1], *next = one + 1;

		CHECK(one->dev != next->dev ||
		      one->offset_sectors + one->len_sectors != next->offset_sectors);
	}
}

static void random_table(void)
{
	struct table table = { 0 }, written, again;
	struct layout layout = { 0 };
	const char *align = make_table(&table);
	struct line line;

	CHECK(!line_read(&line, &table));
	CHECK(align ? line.align && !strcmp(line.align, align) : !line.align);
	CHECK(line_end(&line) == table_end(&table));
	written = line_table(&line);
	CHECK(written.nr == 1 && table_end(&written) == table_end(&table));
	CHECK(!strstr(written.targets[0].params, "allow_move"));
	layout_read(&layout, &written);
	check_places(&layout, table_end(&table));
	layout_free(&line.layout);
	CHECK(!line_read(&line, &written));
	again = line_table(&line);
	CHECK(align ? line.align && !strcmp(line.align, align) : !line.align);
	CHECK(!strcmp(again.targets[0].params, written.targets[0].params));
	layout_free(&line.layout);
	layout_free(&layout);
	table_free(&table);
	table_free(&written);
	table_free(&again);
}

static void expect(const struct line *line, const char *params)
{
	struct table table = line_table(line);

	CHECK(table.nr == 1 && !table.targets[0].start_sectors);
	CHECK(!strcmp(table.targets[0].type, "daxlinear"));
	CHECK(!strcmp(table.targets[0].params, params));
	table_free(&table);
}

static void forms(void)
{
	struct line line = { 0 };

	CHECK(!line_end(&line));
	line_add(&line, makedev(259, 1), 8, 16);
	expect(&line, "259:1 8");
	line.align = ALIGN;
	expect(&line, "1 259:1 8 16 1 align_pmd");
	line.align = ALIGN_OLD;
	line_add(&line, makedev(259, 1), 24, 8);
	expect(&line, "1 259:1 8 24 1 align_2m");
	line_add(&line, makedev(259, 2), 32, 8);
	expect(&line, "2 259:1 8 24 259:2 32 8 1 align_2m");
	line.align = NULL;
	expect(&line, "2 259:1 8 24 259:2 32 8");
	CHECK(line_end(&line) == 32);
	layout_free(&line.layout);
}

/* Where there is a line of another target, or one that can't be read. */
static void others(void)
{
	static const char * const odd[][2] = {
		{ "linear", "259:1 8" }, { "striped", "2 8 259:0 0 259:1 0" },
		{ "daxlinear", "1 259:0 0 9" }, { "error", "" },
	};
	size_t i;

	for (i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		struct table table = { 0 };
		struct line line;

		table_add(&table, 0, 8, "daxlinear", "259:1 0");
		table_add(&table, 8, 8, odd[i][0], odd[i][1]);
		table_add(&table, 16, 8, "daxlinear", "259:1 16");
		CHECK(line_read(&line, &table) == &table.targets[1]);
		layout_free(&line.layout);
		table_free(&table);
	}
}

/* As many ranges as the module is shown to take. */
static void long_line(void)
{
	struct line line = { 0 }, again;
	struct table table;
	unsigned int i;

	for (i = 0; i < 65536; i++)
		line_add(&line, makedev(259, i % 4), 16 * i, 8);
	table = line_table(&line);
	CHECK(!line_read(&again, &table));
	CHECK(again.layout.nr == 65536);
	for (i = 0; i < 65536; i++)
		CHECK(again.layout.segments[i].dev == makedev(259, i % 4) &&
		      again.layout.segments[i].offset_sectors == 16 * i);
	layout_free(&line.layout);
	layout_free(&again.layout);
	table_free(&table);
}

int main(int argc, char **argv)
{
	unsigned long cases = argc > 1 ? strtoul(argv[1], NULL, 0) : 1000000;

	forms();
	others();
	long_line();
	for (unit_case = 0; unit_case < cases / 10; unit_case++)
		random_table();
	printf("line: %lu random tables are the same as one line\n", cases / 10);
	return 0;
}
