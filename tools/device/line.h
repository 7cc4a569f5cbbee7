/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A device as one line of a table.  device-mapper cuts requests off where a line ends, so the
 * target sees a request that spans several ranges only if they are on one line.
 */
#ifndef LINE_H
#define LINE_H

#include "device/layout.h"

/* The option that refuses a range without huge pages, and its name in older tables. */
#define ALIGN		"align_pmd"
#define ALIGN_OLD	"align_2m"

struct line {
	struct layout layout;
	const char *align;	/* the option that every range allows huge pages, or NULL */
};

uint64_t line_end(const struct line *line);
struct line line_join(const struct layout *layout);
void line_add(struct line *line, dev_t dev, uint64_t offset_sectors, uint64_t len_sectors);
const struct target *line_read(struct line *line, const struct table *table);
struct table line_table(const struct line *line);

#endif
