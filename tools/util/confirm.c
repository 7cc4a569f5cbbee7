// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <unistd.h>

#include "util/alloc.h"
#include "util/confirm.h"
#include "util/say.h"

/**
 * confirm - print a step, and ask whether to take it
 * @yes: Take it without an answer, for scripts: --yes.
 * @format: The step, without a question mark.
 *
 * Return: Whether to take it.  Without a terminal and without @yes the command fails.
 */
bool confirm(bool yes, const char *format, ...)
{
	char answer[16] = "";
	va_list arguments;
	char *text;

	va_start(arguments, format);
	text = format_arguments(format, arguments);
	va_end(arguments);
	fflush(stdout);
	fprintf(stderr, yes ? "%s\n" : "%s? [y/N] ", text);
	free(text);
	if (yes)
		return true;
	if (!isatty(STDIN_FILENO)) {
		fputc('\n', stderr);
		die(EXIT_FAILED, "standard input is no terminal to answer on: give --yes");
	}
	return fgets(answer, sizeof(answer), stdin) && (*answer == 'y' || *answer == 'Y');
}
