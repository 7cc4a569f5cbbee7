/* SPDX-License-Identifier: GPL-2.0 */
/* A good block takes the place of a bad one in files. */
#ifndef GOOD_H
#define GOOD_H

#include "repair/job.h"

bool good_give(struct job *job, int fd, uint64_t offset, bool is_tail);
bool good_give_others(struct job *job, struct owners *owners);

#endif
