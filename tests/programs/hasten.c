// SPDX-License-Identifier: GPL-2.0
/* hasten.so: for LD_PRELOAD, has a command's monotonic clock run five times as fast. */
#include <dlfcn.h>
#include <time.h>

#define SPEED	5
#define SEC	1000000000ULL

int clock_gettime(clockid_t which, struct timespec *now)
{
	int (*next)(clockid_t which, struct timespec *now) = dlsym(RTLD_NEXT, "clock_gettime");
	int err = next(which, now);
	unsigned long long ns;

	if (err || which != CLOCK_MONOTONIC)
		return err;
	ns = (now->tv_sec * SEC + now->tv_nsec) * SPEED;
	now->tv_sec = ns / SEC;
	now->tv_nsec = ns % SEC;
	return 0;
}
