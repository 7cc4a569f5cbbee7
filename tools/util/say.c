// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdio.h>

#include "util/alloc.h"
#include "util/say.h"

static const char *prefix = "daxlinear";

/* Set the prefix of all later messages. */
void say_begin(const char *command)
{
	prefix = command;
}

/*
 * From now on, messages go to the kernel log, from which the journal has them.  What a program that
 * a udev rule runs prints is dropped.
 */
void say_to_kernel_log(void)
{
	if (freopen("/dev/kmsg", "we", stderr))
		setvbuf(stderr, NULL, _IOLBF, BUFSIZ);
}

static void say(const char *format, va_list arguments)
{
	char *text = format_arguments(format, arguments);

	/* Flush results first: stdout and stderr may be the same file. */
	fflush(stdout);
	/* At once: if stderr is the kernel log, each write is a message. */
	fprintf(stderr, "%s: %s\n", prefix, text);
	free(text);
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
