/* SPDX-License-Identifier: GPL-2.0 */
/* The copy of a range of a device whose pages are bad in part. */
#ifndef COPY_H
#define COPY_H

#include "replace/map.h"

struct range_end {
	const char *path;
	uint64_t start_bytes;
	unsigned int sector_bytes;
};

struct copy {
	struct range_end from, to;
	uint64_t len_bytes;
	char *map_path;
	struct map map;
	struct map bad;		/* what is known to be bad, of a state of its own, on @from */
};

bool copy_run(struct copy *copy);
void copy_compare(struct copy *copy);

#endif
