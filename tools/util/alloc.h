/* SPDX-License-Identifier: GPL-2.0 */
/* Allocation that ends the program when memory runs out, so that callers need no error path. */
#ifndef ALLOC_H
#define ALLOC_H

#include <stdarg.h>
#include <stdlib.h>

void *grow(void *array, size_t nr, size_t size);
char *copy_text(const char *text);
char *format_arguments(const char *format, va_list arguments)
	__attribute__((format(printf, 1, 0)));
char *format_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
