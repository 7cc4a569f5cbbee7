// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>

#include "drill/steps.h"
#include "util/alloc.h"

static const char * const words[] = {
	[GOOD] = "good",
	[WRONG] = "wrong",
	[ABSENT] = "absent",
};

/* Report a step. */
void step(struct steps *steps, const char *name, enum shown shown, const char *format, ...)
{
	struct json_object *json;
	va_list arguments;
	char *text;

	va_start(arguments, format);
	text = format_arguments(format, arguments);
	va_end(arguments);
	steps->wrong = steps->wrong || shown == WRONG;
	if (steps->list) {
		json = new_object();
		put_text(json, "step", name);
		put_text(json, "result", words[shown]);
		put_text(json, "text", text);
		add_object(steps->list, json);
	} else {
		printf("%-6s  %-6s  %s\n", name, words[shown], text);
		fflush(stdout);
	}
	free(text);
}
