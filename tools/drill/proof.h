/* SPDX-License-Identifier: GPL-2.0 */
/* What records, the monitor and damage have of a page that a drill has poisoned. */
#ifndef PROOF_H
#define PROOF_H

#include "drill/scratch.h"
#include "drill/steps.h"

/* The page. */
struct proof {
	const struct scratch *scratch;
	uint64_t place;		/* on the device */
	uint64_t since;		/* a time before it was poisoned */
	bool watched;		/* the monitor ran at that time */
};

void proof_show(struct steps *steps, struct scene *scene, const struct proof *proof);

#endif
