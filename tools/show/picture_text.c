// SPDX-License-Identifier: GPL-2.0
/* The picture in letters: one line for each child, all to one scale. */
#include <string.h>

#include "util/alloc.h"
#include "util/columns.h"
#include "show/picture.h"
#include "util/size.h"

/* The letter of each kind of mark. A cell without a mark is unused. */
static const char letters[NR_MARKS] = { '-', '=', '#', '|', 'x' };
#define UNUSED	'.'

/* With fewer cells for a group, its marks would hide all others. */
#define GROUP_CELLS_MIN	3
#define CELLS_MIN	10

static void draw(char *cells, const struct strip *strip, uint64_t cell_bytes, bool groups)
{
	size_t nr = (strip->size_bytes + cell_bytes - 1) / cell_bytes, i, cell, last;

	memset(cells, UNUSED, nr);
	cells[nr] = '\0';
	for (i = 0; i < strip->nr; i++) {
		const struct mark *mark = &strip->marks[i];

		if (mark->kind == MARK_GROUP && !groups)
			continue;
		/* Mark each cell that is touched at all, so that one bad page is visible. */
		last = (mark->first_bytes + (mark->len_bytes ?: 1) - 1) / cell_bytes;
		for (cell = mark->first_bytes / cell_bytes; cell <= last; cell++)
			cells[cell] = letters[mark->kind];
	}
}

/**
 * picture_print - draw a device in letters
 * @picture: The picture.
 * @columns: The width that is available.
 */
void picture_print(const struct picture *picture, int columns)
{
	struct columns rows = { .align = "lll" };
	size_t widest_path = 0, widest_text = 0, i, room;
	bool groups, stripes = picture_has(picture, MARK_STRIPED);
	uint64_t cell;
	char *bar;

	for (i = 0; i < picture->nr; i++) {
		const struct strip *strip = &picture->strips[i];

		if (strlen(strip->path) > widest_path)
			widest_path = strlen(strip->path);
		if (strlen(strip->text) > widest_text)
			widest_text = strlen(strip->text);
	}
	/* Two blanks before each. */
	room = widest_path + widest_text + 6;
	room = columns > (int)room + CELLS_MIN ? columns - room : CELLS_MIN;
	cell = (picture->widest_bytes + room - 1) / room;
	groups = picture->group_bytes / (cell ?: 1) >= GROUP_CELLS_MIN &&
		 picture_has(picture, MARK_GROUP);
	puts(picture->title);
	bar = grow(NULL, 0, room + 2);
	for (i = 0; i < picture->nr; i++) {
		const struct strip *strip = &picture->strips[i];

		draw(bar, strip, cell, groups);
		columns_row(&rows, "%s\t%s\t%s", strip->path, bar, strip->text);
	}
	columns_print(&rows);
	free(bar);
	printf("  = used  %s%s. %s  %sx bad\n", stripes ? "# used in stripes  " : "",
	       picture_has(picture, MARK_OTHER) ? "- used by others  " : "", picture->unused,
	       groups ? "| an allocation group starts  " : "");
}
