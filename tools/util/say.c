// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdio.h>

#include "util/say.h"

static const char *prefix = "daxlinear";

/* Set the prefix of all later messages. */
void say_begin(const char *command)
{
	prefix = command;
}

static void say(const char *format, va_list arguments)
{
	/* Flush results first: stdout and stderr may be the same file. */
	fflush(stdout);
	fprintf(stderr, "%s: ", prefix);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
}

/* Print a message on stderr. */
void note(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(format, arguments);
	va_end(arguments);
}

/* Print why the command fails on stderr, and exit. */
void die(int code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(format, arguments);
	va_end(arguments);
	exit(code);
}
