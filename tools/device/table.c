// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "util/alloc.h"
#include "device/table.h"

/* Append a line; the strings are copied. */
void table_add(struct table *table, uint64_t start, uint64_t len, const char *type,
	       const char *params)
{
	struct target *target;

	table->targets = grow(table->targets, table->nr, sizeof(*target));
	target = &table->targets[table->nr++];
	target->start_sectors = start;
	target->len_sectors = len;
	target->type = copy_text(type);
	target->params = copy_text(params);
}

/* Where the last target ends: the size of the device, in sectors. */
uint64_t table_end(const struct table *table)
{
	const struct target *last;

	if (!table->nr)
		return 0;
	last = &table->targets[table->nr - 1];
	return last->start_sectors + last->len_sectors;
}

/* Whether a table has targets, and all are of this type. */
bool table_is_all(const struct table *table, const char *type)
{
	size_t i;

	for (i = 0; i < table->nr; i++)
		if (strcmp(table->targets[i].type, type))
			return false;
	return table->nr;
}

/* Write a table in dmsetup's format. */
void table_write(const struct table *table, FILE *file)
{
	size_t i;

	for (i = 0; i < table->nr; i++) {
		const struct target *target = &table->targets[i];

		fprintf(file, "%ju %ju %s %s\n", (uintmax_t)target->start_sectors,
			(uintmax_t)target->len_sectors, target->type, target->params);
	}
}

void table_free(struct table *table)
{
	size_t i;

	for (i = 0; i < table->nr; i++) {
		free(table->targets[i].type);
		free(table->targets[i].params);
	}
	free(table->targets);
	*table = (struct table){ 0 };
}
