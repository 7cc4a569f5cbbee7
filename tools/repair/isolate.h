/* SPDX-License-Identifier: GPL-2.0 */
/* A bad block leaves the files that have it, and stays in the quarantine. */
#ifndef ISOLATE_H
#define ISOLATE_H

#include "repair/job.h"

bool isolate_block(struct job *job, const struct bad_block *bad,
		   const struct media_range *media, struct owners *owners, bool tried);

#endif
