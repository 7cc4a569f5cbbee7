/* SPDX-License-Identifier: GPL-2.0 */
/* Signatures and partitions on a device. No other file uses libblkid. */
#ifndef BLKID_H
#define BLKID_H

#include <stdint.h>

char *signature_find(int fd, uint64_t offset_bytes, uint64_t len_bytes);
char *partition_uuid(const char *path);

#endif
