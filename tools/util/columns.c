// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "util/alloc.h"
#include "util/columns.h"

/* Add a row; the format has a tab between cells. */
void columns_row(struct columns *columns, const char *format, ...)
{
	size_t nr = strlen(columns->align), i;
	char *row, *rest;
	va_list arguments;

	va_start(arguments, format);
	row = format_arguments(format, arguments);
	va_end(arguments);
	rest = row;
	for (i = 0; i < nr; i++) {
		const char *cell = strsep(&rest, "\t");

		columns->cells = grow(columns->cells, columns->nr_cells, sizeof(char *));
		columns->cells[columns->nr_cells++] = copy_text(cell ? cell : "");
	}
	free(row);
}

/* Print all rows, two blanks before each, none at the end of one, and forget them. */
void columns_print(struct columns *columns)
{
	size_t nr = strlen(columns->align), width[COLUMNS_MAX] = { 0 }, gap = 0, i, pad;

	for (i = 0; i < columns->nr_cells; i++)
		if (strlen(columns->cells[i]) > width[i % nr])
			width[i % nr] = strlen(columns->cells[i]);
	for (i = 0; i < columns->nr_cells; i++) {
		char *cell = columns->cells[i];

		pad = width[i % nr] - strlen(cell);
		gap += 2;
		if (columns->align[i % nr] == 'r' || !*cell) {
			gap += pad;
			pad = 0;
		}
		if (*cell) {
			printf("%*s%s", (int)gap, "", cell);
			gap = pad;
		}
		if (i % nr == nr - 1) {
			putchar('\n');
			gap = 0;
		}
		free(cell);
	}
	free(columns->cells);
	columns->cells = NULL;
	columns->nr_cells = 0;
}
