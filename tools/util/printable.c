// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <stdbool.h>

#include "util/alloc.h"
#include "util/printable.h"

/* Escape control characters: a line stays a line, in a terminal and in a mail's head. */
char *printable(const char *name)
{
	char *text = copy_text(""), *longer;

	for (; *name; name++) {
		bool plain = *name != '\\' && !iscntrl((unsigned char)*name);

		longer = format_text(plain ? "%s%c" : "%s\\%03o", text, (unsigned char)*name);
		free(text);
		text = longer;
	}
	return text;
}
