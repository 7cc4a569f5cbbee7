/* SPDX-License-Identifier: GPL-2.0 */
/* A few lines shared by the unit tests: random numbers and a verdict. */
#ifndef UNIT_H
#define UNIT_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t unit_state = 0x9e3779b97f4a7c15;
static unsigned long unit_case;

static inline uint64_t unit_random(void)
{
	unit_state ^= unit_state << 13;
	unit_state ^= unit_state >> 7;
	unit_state ^= unit_state << 17;
	return unit_state;
}

static inline uint64_t unit_below(uint64_t n)
{
	return unit_random() % n;
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
