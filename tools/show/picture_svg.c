// SPDX-License-Identifier: GPL-2.0
/* The picture as SVG: one strip for each child, all to one scale. */
#include <string.h>

#include "show/picture.h"
#include "util/size.h"

#define WIDTH		1000.0
#define MARGIN		20
#define STRIP_HEIGHT	28
#define STRIP_DISTANCE	64
#define TOP		60

/* Group lines closer than this would merge into one grey area. */
#define GROUP_DISTANCE_MIN	4.0
/* A narrower mark would be invisible. */
#define BAD_WIDTH_MIN		3.0

/* Print text with XML's escapes. */
static void print_text(FILE *file, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '<':
			fputs("&lt;", file);
			break;
		case '&':
			fputs("&amp;", file);
			break;
		default:
			/* XML allows no other control characters. */
			fputc((unsigned char)*text < ' ' ? '?' : *text, file);
		}
	}
}

static void print_mark(FILE *file, const struct picture *picture, const struct mark *mark, int top)
{
	static const char * const classes[NR_MARKS] = {
		"other", "used", "striped", "group", "bad",
	};
	double scale = WIDTH / (double)picture->widest_bytes;
	double width = (double)mark->len_bytes * scale;
	char text[SIZE_TEXT_LEN];

	if (mark->kind == MARK_GROUP) {
		if ((double)picture->group_bytes * scale < GROUP_DISTANCE_MIN)
			return;
		width = 1;
	}
	if (mark->kind == MARK_BAD && width < BAD_WIDTH_MIN)
		width = BAD_WIDTH_MIN;
	fprintf(file, "<rect class=\"%s\" x=\"%.2f\" y=\"%d\" width=\"%.2f\" height=\"%d\"><title>%s from 0x%jx on, %s</title></rect>\n",
		classes[mark->kind], MARGIN + (double)mark->first_bytes * scale, top, width,
		STRIP_HEIGHT, mark->kind == MARK_GROUP ? "allocation group" : classes[mark->kind],
		(uintmax_t)mark->first_bytes,
		size_text(mark->kind == MARK_GROUP ? picture->group_bytes : mark->len_bytes,
			  text));
}

static void print_strip(FILE *file, const struct picture *picture, const struct strip *strip,
			int top)
{
	size_t i;

	fprintf(file, "<text x=\"%d\" y=\"%d\">", MARGIN, top - 6);
	print_text(file, strip->path);
	fputs(": ", file);
	print_text(file, strip->text);
	fputs("</text>\n", file);
	fprintf(file, "<rect class=\"unused\" x=\"%d\" y=\"%d\" width=\"%.2f\" height=\"%d\"/>\n",
		MARGIN, top,
		(double)strip->size_bytes * WIDTH / (double)picture->widest_bytes, STRIP_HEIGHT);
	for (i = 0; i < strip->nr; i++)
		print_mark(file, picture, &strip->marks[i], top);
}

/* Draw a device as SVG. */
void picture_svg(const struct picture *picture, FILE *file)
{
	size_t i;

	fprintf(file, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%zu\">\n",
		(int)WIDTH + 2 * MARGIN, TOP + picture->nr * STRIP_DISTANCE);
	fputs("<style>text { font: 14px sans-serif } .used { fill: #7aa6d8 } .striped { fill: #8cc0a8 }\n"
	      ".other { fill: #b8b8b8 } .unused { fill: #e4e4e4 }\n"
	      ".group { fill: #2b4a6f } .bad { fill: #d01c1c }</style>\n"
	      "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n", file);
	fprintf(file, "<text x=\"%d\" y=\"%d\" style=\"font-weight: bold\">", MARGIN, MARGIN + 4);
	print_text(file, picture->title);
	fputs("</text>\n", file);
	for (i = 0; i < picture->nr; i++)
		print_strip(file, picture, &picture->strips[i], TOP + i * STRIP_DISTANCE);
	fputs("</svg>\n", file);
}
