/* SPDX-License-Identifier: GPL-2.0 */
/* A text table: each column is as wide as its widest cell. */
#ifndef COLUMNS_H
#define COLUMNS_H

#include <stddef.h>

#define COLUMNS_MAX	12

struct columns {
	const char *align;	/* a letter a column: l or r */
	char **cells;
	size_t nr_cells;
};

void columns_row(struct columns *columns, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void columns_print(struct columns *columns);

#endif
