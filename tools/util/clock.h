/* SPDX-License-Identifier: GPL-2.0 */
/* Times as text, and times that no step of the clock changes. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>

#define MSEC	1000000ULL
#define SEC	1000000000ULL

char *clock_text(uint64_t ns);
uint64_t clock_now(void);
uint64_t clock_monotonic(void);

#endif
