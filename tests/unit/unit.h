/* SPDX-License-Identifier: GPL-2.0 */
/* A few lines shared by the unit tests and the fuzzers: numbers and a verdict. */
#ifndef UNIT_H
#define UNIT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t unit_state = 0x9e3779b97f4a7c15;
static unsigned long unit_case;

/* A fuzzer's input, which then makes the numbers: it learns which bytes matter. */
static const uint8_t *unit_input;
static size_t unit_input_len;

static inline uint64_t unit_random(void)
{
	unit_state ^= unit_state << 13;
	unit_state ^= unit_state >> 7;
	unit_state ^= unit_state << 17;
	return unit_state;
}

/* As many bytes as it takes for a number below @n; 0 when there are no more. */
static inline uint64_t unit_from_input(uint64_t n)
{
	uint64_t value = 0;

	for (n--; n && unit_input_len; n >>= 8, unit_input_len--)
		value = value << 8 | *unit_input++;
	return value;
}

static inline uint64_t unit_below(uint64_t n)
{
	return (unit_input ? unit_from_input(n) : unit_random()) % n;
}

#define CHECK(what)								\
	do {									\
		if (!(what)) {							\
			fprintf(stderr, "%s:%d: case %lu: not so: %s\n",	\
				__FILE__, __LINE__, unit_case, #what);		\
			exit(1);						\
		}								\
	} while (0)

#endif
