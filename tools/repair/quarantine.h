/* SPDX-License-Identifier: GPL-2.0 */
/* The folder of an XFS whose files keep bad blocks, so that no other file gets them. */
#ifndef QUARANTINE_H
#define QUARANTINE_H

#include <stdbool.h>
#include <stdint.h>

#include "health/quarantined.h"
#include "repair/media.h"

/* What a file of it keeps, for its line in the index. */
struct quarantine_entry {
	uint64_t place;			/* on the device */
	const struct media_range *media;
	const char *path;		/* of the file that had the block, or "free space" */
	uint64_t offset;		/* in it */
};

struct quarantine {
	int folder;
};

bool quarantine_open(struct quarantine *quarantine, int root);
int quarantine_scratch(const struct quarantine *quarantine, bool dax);
char *quarantine_keep(const struct quarantine *quarantine, int fd,
		      const struct quarantine_entry *entry);
bool quarantine_release(const struct quarantine *quarantine, const char *name);
void quarantine_close(struct quarantine *quarantine);

#endif
