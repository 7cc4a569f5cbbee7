/* SPDX-License-Identifier: GPL-2.0 */
/* The bytes that are written: each word names the step that wrote it and its offset. */
#ifndef COW_PATTERN_H
#define COW_PATTERN_H

#include <stddef.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)	((a) < (b) ? (a) : (b))
#define MAX(a, b)	((a) > (b) ? (a) : (b))

/* Fills memory with what a step writes at an offset of a file. */
void pattern_fill(unsigned char *to, size_t offset, size_t length, unsigned int step);

/* Prints which step wrote bytes that are at an offset of a file, or the bytes themselves. */
void pattern_print(const unsigned char *data, size_t offset, size_t length);

#endif
