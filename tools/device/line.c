// SPDX-License-Identifier: GPL-2.0
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "util/alloc.h"
#include "device/line.h"

/* Where the last range ends, in sectors. */
uint64_t line_end(const struct line *line)
{
	const struct layout *layout = &line->layout;
	const struct segment *last;

	if (!layout->nr)
		return 0;
	last = &layout->segments[layout->nr - 1];
	return last->start_sectors + last->len_sectors;
}

/* Append a range; one that goes on where the last one ends is joined to it. */
void line_add(struct line *line, dev_t dev, uint64_t offset_sectors, uint64_t len_sectors)
{
	struct segment segment = {
		.start_sectors = line_end(line),
		.len_sectors = len_sectors,
		.dev = dev,
		.offset_sectors = offset_sectors,
	};

	layout_add(&line->layout, &segment);
}

static const char *align_option(const char *params)
{
	if (strstr(params, " " ALIGN))
		return ALIGN;
	return strstr(params, " " ALIGN_OLD) ? ALIGN_OLD : NULL;
}

/* Join ranges of a device as the target does with those of one line. */
struct line line_join(const struct layout *layout)
{
	struct line line = { 0 };
	size_t i;

	for (i = 0; i < layout->nr; i++)
		line_add(&line, layout->segments[i].dev, layout->segments[i].offset_sectors,
			 layout->segments[i].len_sectors);
	return line;
}

/**
 * line_read - read a table as one line
 * @line: Where its ranges go.
 * @table: The table, as the kernel prints it.
 *
 * An option that only some lines have is dropped, and one of two names keeps the first line's.
 * allow_move is dropped always: it holds for the one load that it was given for.
 *
 * Return: NULL, or the first target that is none of ours.
 */
const struct target *line_read(struct line *line, const struct table *table)
{
	struct layout layout = { 0 };
	const char *option;
	size_t i;

	*line = (struct line){ .align = ALIGN };
	layout_read(&layout, table);
	for (i = 0; i < layout.nr; i++) {
		const struct segment *segment = &layout.segments[i];
		const struct target *target = &table->targets[segment->target];

		if (!segment->dev || strcmp(target->type, TARGET_OURS)) {
			layout_free(&layout);
			return target;
		}
		option = align_option(target->params);
		if (!i)
			line->align = option;
		else if (!option)
			line->align = NULL;
		line_add(line, segment->dev, segment->offset_sectors, segment->len_sectors);
	}
	layout_free(&layout);
	return NULL;
}

/* The table exactly as the kernel prints it: in dm-linear's form for one range without options. */
struct table line_table(const struct line *line)
{
	const struct layout *layout = &line->layout;
	bool plain = layout->nr == 1 && !line->align;
	struct table table = { 0 };
	char *params;
	size_t size, i;
	FILE *file = open_memstream(&params, &size);

	if (!file)
		err(EXIT_FAILURE, "memory");
	if (!plain)
		fprintf(file, "%zu ", layout->nr);
	for (i = 0; i < layout->nr; i++) {
		const struct segment *segment = &layout->segments[i];

		fprintf(file, "%s%u:%u %ju", i ? " " : "", major(segment->dev),
			minor(segment->dev), (uintmax_t)segment->offset_sectors);
		if (!plain)
			fprintf(file, " %ju", (uintmax_t)segment->len_sectors);
	}
	if (line->align)
		fprintf(file, " 1 %s", line->align);
	if (fclose(file))
		err(EXIT_FAILURE, "memory");
	table_add(&table, 0, line_end(line), TARGET_OURS, params);
	free(params);
	return table;
}
