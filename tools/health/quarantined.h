/* SPDX-License-Identifier: GPL-2.0 */
/* The files of an XFS that keep bad blocks, so that no other file gets them. */
#ifndef QUARANTINED_H
#define QUARANTINED_H

#include "health/bad.h"
#include "health/owner.h"

/* The folder at the root of the filesystem, and how the names of these files begin. */
#define QUARANTINE		".daxlinear-quarantine"
#define QUARANTINE_PREFIX	"block-"

struct quarantined {
	uint64_t *inodes;
	size_t nr;
};

void quarantined_read(struct quarantined *quarantined, int root);
bool quarantined_has(const struct quarantined *quarantined, const struct owner *owner);
uint64_t quarantined_bytes(const struct quarantined *quarantined, const struct owners *owners,
			   const struct bad *bad, uint64_t inode);
void quarantined_free(struct quarantined *quarantined);

#endif
