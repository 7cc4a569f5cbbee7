/* SPDX-License-Identifier: GPL-2.0 */
/* The list of bad blocks of a disk's driver. */
#ifndef MEDIA_H
#define MEDIA_H

#include <stdbool.h>
#include <stdint.h>

struct media_range {
	char disk[32];		/* the kernel's name */
	uint64_t sector;
	uint64_t sectors;
	bool lost;		/* the memory is good: what is written stays */
};

bool media_is_listed(const struct media_range *range);
bool media_list(const struct media_range *range);

#endif
