// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdio.h>

#include "util/say.h"

static const char *prefix = "daxlinear";

/* From now on, this is who speaks. */
void say_begin(const char *command)
{
	prefix = command;
}

static void say(const char *format, va_list arguments)
{
	/* Results first, where both go to one place. */
	fflush(stdout);
	fprintf(stderr, "%s: ", prefix);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
}

/* Tell something that is not a result. */
void note(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(format, arguments);
	va_end(arguments);
}

/* Tell why it can't be done, and end. */
void die(int code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(format, arguments);
	va_end(arguments);
	exit(code);
}
