/* SPDX-License-Identifier: GPL-2.0 */
/* Whether a device holds something that somebody may want to keep. */
#ifndef BLKID_H
#define BLKID_H

#include <stdint.h>

char *signature_find(int fd, uint64_t offset_bytes, uint64_t len_bytes);

#endif
