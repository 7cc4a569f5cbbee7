// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "device/counters.h"
#include "util/alloc.h"

/* The other fields of the status line. */
enum { RANGES, ALIVE, GONE, LAST_SECTOR = 7, LOST_PMD };

/* The most words of a status line that are read. */
#define FIELDS	16

const struct counter counters_table[NR_COUNTERS] = {
	{ "received", 3, offsetof(struct counters, received),
		"Failures of pages that the device maps." },
	{ "forwarded", 4, offsetof(struct counters, forwarded),
		"Received failures that the holder of the device was notified of." },
	{ "handled", 5, offsetof(struct counters, handled),
		"Forwarded failures that the holder of the device handled." },
	{ "generic", 6, offsetof(struct counters, generic),
		"Received failures that were left to the kernel's generic handling." },
};

uint64_t *counter_value(struct counters *counters, const struct counter *counter)
{
	return (uint64_t *)((char *)counters + counter->offset);
}

static bool read_number(const char *word, uint64_t *number)
{
	char *end;

	if (*word < '0' || *word > '9')
		return false;
	*number = strtoull(word, &end, 10);
	return !*end;
}

/* A field that is a number, or - if there is none. */
static bool read_optional(const char *word, uint64_t *number, bool *given)
{
	*given = strcmp(word, "-");
	return !*given || read_number(word, number);
}

static bool read_words(struct counters *counters, char **words, size_t nr)
{
	size_t i;

	/* Every version of the module has these fields. */
	if (nr <= LAST_SECTOR)
		return false;
	for (i = 0; i < NR_COUNTERS; i++) {
		const struct counter *counter = &counters_table[i];

		if (counter->field < nr &&
		    !read_number(words[counter->field], counter_value(counters, counter)))
			return false;
	}
	return read_number(words[RANGES], &counters->ranges) &&
	       read_number(words[ALIVE], &counters->alive) &&
	       read_number(words[GONE], &counters->gone) &&
	       read_optional(words[LAST_SECTOR], &counters->last_sector, &counters->failed) &&
	       (nr <= LOST_PMD ||
		read_optional(words[LOST_PMD], &counters->lost_pmd, &counters->loses_pmd));
}

/* Parse a status line; false if it is no daxlinear's.  Fields that follow are ignored. */
bool counters_read(struct counters *counters, const char *params)
{
	char *copy = copy_text(params), *rest = copy, *words[FIELDS], *word;
	size_t nr = 0;
	bool read;

	*counters = (struct counters){ 0 };
	while (nr < FIELDS && (word = strsep(&rest, " ")))
		if (*word)
			words[nr++] = word;
	read = read_words(counters, words, nr);
	if (!read)
		*counters = (struct counters){ 0 };
	free(copy);
	return read;
}

/* The cells of a row of counts, a tab between them; the heads of their columns for NULL. */
char *counters_row(const struct counters *counters)
{
	struct counters copy = counters ? *counters : (struct counters){ 0 };
	char *row = copy_text(""), *cell, *longer;
	size_t i;

	for (i = 0; i < NR_COUNTERS; i++) {
		const struct counter *counter = &counters_table[i];

		cell = counters ? format_text("%ju", (uintmax_t)*counter_value(&copy, counter)) :
		       copy_text(counter->name);
		longer = format_text("%s%s%s", row, i ? "\t" : "", cell);
		free(cell);
		free(row);
		row = longer;
	}
	return row;
}
