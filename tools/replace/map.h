/* SPDX-License-Identifier: GPL-2.0 */
/* The map file of ddrescue(1): what of a device is copied. */
#ifndef MAP_H
#define MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	MAP_NOT_TRIED = '?',
	MAP_BAD = '-',
	MAP_COPIED = '+',
};

/* A range of the device that is read, in bytes. */
struct map_range {
	uint64_t start_bytes;
	uint64_t len_bytes;
	char state;
};

struct map {
	struct map_range *ranges;	/* ascending, without gaps */
	size_t nr;
};

void map_begin(struct map *map, uint64_t start_bytes, uint64_t len_bytes);
bool map_read(struct map *map, const char *path, uint64_t start_bytes, uint64_t len_bytes);
void map_mark(struct map *map, uint64_t start_bytes, uint64_t len_bytes, char state);
void map_write(const struct map *map, const char *path);
void map_free(struct map *map);

#endif
