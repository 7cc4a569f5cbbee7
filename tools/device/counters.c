// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "device/counters.h"

/* Take a status line apart; false if it is none of ours. Fields added later don't matter. */
bool counters_read(struct counters *counters, const char *params)
{
	uintmax_t ranges, alive, gone, received, forwarded, handled, generic, sector = 0, lost = 0;
	char last[24], lost_2m[24] = "-", rest;

	*counters = (struct counters){ 0 };
	/* Older modules don't tell the last one. */
	if (sscanf(params, "%ju %ju %ju %ju %ju %ju %ju %23s %23s", &ranges, &alive, &gone,
		   &received, &forwarded, &handled, &generic, last, lost_2m) < 8)
		return false;
	if (strcmp(last, "-") && sscanf(last, "%ju%c", &sector, &rest) != 1)
		return false;
	if (strcmp(lost_2m, "-") && sscanf(lost_2m, "%ju%c", &lost, &rest) != 1)
		return false;
	*counters = (struct counters){
		.ranges = ranges,
		.alive = alive,
		.gone = gone,
		.received = received,
		.forwarded = forwarded,
		.handled = handled,
		.generic = generic,
		.failed = last[0] != '-',
		.last_sector = sector,
		.loses_2m = lost_2m[0] != '-',
		.lost_2m = lost,
	};
	return true;
}
