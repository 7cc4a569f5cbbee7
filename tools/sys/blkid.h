/* SPDX-License-Identifier: GPL-2.0 */
/* Signatures and partitions on a device. No other file uses libblkid. */
#ifndef BLKID_H
#define BLKID_H

#include <stdbool.h>
#include <stdint.h>

/* A GUID partition table, and the first of its partitions. */
struct gpt {
	bool is_backup;		/* the first copy is damaged, this is of the second */
	int nr;			/* partitions; without any, the other fields are not set */
	char type[37], uuid[37];
	char name[150];
	uint64_t flags;
	uint64_t start_bytes, len_bytes;
};

bool gpt_read(int fd, unsigned int sector_bytes, bool without_mbr, struct gpt *gpt);
char *signature_find(int fd, uint64_t offset_bytes, uint64_t len_bytes);
char *partition_uuid(const char *path);

#endif
