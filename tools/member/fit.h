/* SPDX-License-Identifier: GPL-2.0 */
/* The labels that a live device should have.  It looks at nothing but what was read. */
#ifndef FIT_H
#define FIT_H

#include "member/set.h"

bool set_may_fit(const struct set *set);
void labels_fit(struct label *labels, size_t nr, const char *uuid,
		const struct members *members, const char *name);

#endif
