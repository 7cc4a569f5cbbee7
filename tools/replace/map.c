// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>
#include <sys/param.h>

#include "replace/map.h"
#include "sys/sysfs.h"
#include "util/alloc.h"
#include "util/replace.h"

static void add(struct map *map, uint64_t start, uint64_t end, char state)
{
	struct map_range *last = map->nr ? &map->ranges[map->nr - 1] : NULL;

	if (start >= end)
		return;
	if (last && last->state == state && last->start_bytes + last->len_bytes == start) {
		last->len_bytes += end - start;
		return;
	}
	map->ranges = grow(map->ranges, map->nr, sizeof(*map->ranges));
	map->ranges[map->nr++] = (struct map_range){ start, end - start, state };
}

/* Begin a map of a range, of which nothing is tried. */
void map_begin(struct map *map, uint64_t start_bytes, uint64_t len_bytes)
{
	*map = (struct map){ 0 };
	add(map, start_bytes, start_bytes + len_bytes, MAP_NOT_TRIED);
}

/**
 * map_read - read a map file
 * @map: Set to what it says of the range.  What it does not name is not tried.
 * @path: The file.
 * @start_bytes: The start of the range on the device that is read.
 * @len_bytes: Its length.
 *
 * Return: Whether there is such a file.
 */
bool map_read(struct map *map, const char *path, uint64_t start_bytes, uint64_t len_bytes)
{
	char *text = read_text("%s", path), *rest = text, *line, state;
	uintmax_t start, len;

	map_begin(map, start_bytes, len_bytes);
	while ((line = strsep(&rest, "\n")))
		/* The line of the position has a state as its second word. */
		if (sscanf(line, "0x%jx 0x%jx %c", &start, &len, &state) == 3)
			map_mark(map, start, len, state);
	free(text);
	return text;
}

/* Set the state of a range.  What is outside the map is left out. */
void map_mark(struct map *map, uint64_t start_bytes, uint64_t len_bytes, char state)
{
	uint64_t end_bytes = start_bytes + len_bytes;
	struct map new = { 0 };
	size_t i;

	for (i = 0; i < map->nr; i++) {
		uint64_t start = map->ranges[i].start_bytes, end = start + map->ranges[i].len_bytes;

		add(&new, start, MIN(end, start_bytes), map->ranges[i].state);
		add(&new, MAX(start, start_bytes), MIN(end, end_bytes), state);
		add(&new, MAX(start, end_bytes), end, map->ranges[i].state);
	}
	free(map->ranges);
	*map = new;
}

/* Write a map file in place of the old one.  ddrescue begins with all that is not tried. */
void map_write(const struct map *map, const char *path)
{
	FILE *file = replace_begin(path);
	size_t i;

	fprintf(file, "0x0 ? 1\n");
	if (map->ranges->start_bytes)
		fprintf(file, "0x0 0x%jx ?\n", (uintmax_t)map->ranges->start_bytes);
	for (i = 0; i < map->nr; i++)
		fprintf(file, "0x%jx 0x%jx %c\n", (uintmax_t)map->ranges[i].start_bytes,
			(uintmax_t)map->ranges[i].len_bytes, map->ranges[i].state);
	replace_end(file);
}

void map_free(struct map *map)
{
	free(map->ranges);
	*map = (struct map){ 0 };
}
