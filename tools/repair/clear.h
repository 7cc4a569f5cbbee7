/* SPDX-License-Identifier: GPL-2.0 */
/* Good data is written over a bad block, so that the platform clears it. */
#ifndef CLEAR_H
#define CLEAR_H

#include "repair/job.h"

enum cleared { CLEARED, STAYS_BAD, NOT_TRIED };

enum cleared clear_in_place(struct job *job, int fd, uint64_t offset, size_t len,
			    const struct media_range *media);
enum cleared clear_on_device(struct job *job, const struct bad_block *bad,
			     const struct media_range *media);

#endif
