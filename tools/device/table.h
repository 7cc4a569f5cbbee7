/* SPDX-License-Identifier: GPL-2.0 */
/* A device-mapper table. */
#ifndef TABLE_H
#define TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define TARGET_OURS	"daxlinear"

struct target {
	uint64_t start_sectors;
	uint64_t len_sectors;
	char *type;
	char *params;
};

struct table {
	struct target *targets;
	size_t nr;
};

void table_add(struct table *table, uint64_t start, uint64_t len, const char *type,
	       const char *params);
uint64_t table_end(const struct table *table);
bool table_is_all(const struct table *table, const char *type);
void table_write(const struct table *table, FILE *file);
void table_free(struct table *table);

#endif
