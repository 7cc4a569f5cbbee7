// SPDX-License-Identifier: GPL-2.0
#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "util/alloc.h"

/* Make room for one more than @nr in an array. It is grown in powers of two. */
void *grow(void *array, size_t nr, size_t size)
{
	/* Full whenever there is a power of two in it. */
	if (nr & (nr - 1))
		return array;
	array = reallocarray(array, nr ? 2 * nr : 1, size);
	if (!array)
		err(EXIT_FAILURE, "memory");
	return array;
}

char *copy_text(const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		err(EXIT_FAILURE, "memory");
	return copy;
}

char *format_arguments(const char *format, va_list arguments)
{
	char *text;

	if (vasprintf(&text, format, arguments) < 0)
		err(EXIT_FAILURE, "memory");
	return text;
}

char *format_text(const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	text = format_arguments(format, arguments);
	va_end(arguments);
	return text;
}
