// SPDX-License-Identifier: GPL-2.0
#include <time.h>

#include "util/alloc.h"
#include "util/clock.h"

/* A time since 1970 by RFC 3339, in UTC and to a millisecond. */
char *clock_text(uint64_t ns)
{
	time_t seconds = ns / SEC;
	char text[32];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	return format_text("%s.%03uZ", text, (unsigned int)(ns % SEC / MSEC));
}

static uint64_t read_clock(clockid_t which)
{
	struct timespec now;

	clock_gettime(which, &now);
	return now.tv_sec * SEC + now.tv_nsec;
}

/* Since 1970. */
uint64_t clock_now(void)
{
	return read_clock(CLOCK_REALTIME);
}

uint64_t clock_monotonic(void)
{
	return read_clock(CLOCK_MONOTONIC);
}
