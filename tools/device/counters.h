/* SPDX-License-Identifier: GPL-2.0 */
/* What a target of ours says of itself: the status line of Documentation/daxlinear.rst. */
#ifndef COUNTERS_H
#define COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

struct counters {
	uint64_t ranges;
	uint64_t alive;
	uint64_t gone;
	uint64_t received;
	uint64_t forwarded;
	uint64_t handled;
	uint64_t generic;
	bool failed;			/* there is a last failure */
	uint64_t last_sector;		/* of the mapped device */
	bool loses_2m;			/* there is a range that loses 2 MiB mappings, */
	uint64_t lost_2m;		/* of which this is the first */
};

bool counters_read(struct counters *counters, const char *params);

#endif
