/* SPDX-License-Identifier: GPL-2.0 */
/* Persistent-memory namespaces. No other file uses libndctl. */
#ifndef ND_H
#define ND_H

#include <stdbool.h>
#include <stdint.h>

struct pmem {
	char disk[32];		/* pmem0, "" if it has none */
	char namespace[32];	/* namespace0.0 */
	char uuid[37];		/* of the namespace, "" if it has none */
	const char *mode;	/* fsdax, sector, raw, devdax */
	bool synchronous;	/* a flush of the CPU's caches makes data durable */
	uint64_t phys_bytes;	/* where its first sector is in memory, UINT64_MAX if not known */
};

bool nd_find(const char *disk, struct pmem *pmem);
char *nd_find_uuid(const char *uuid);
void nd_forget(void);

#endif
