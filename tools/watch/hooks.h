/* SPDX-License-Identifier: GPL-2.0 */
/* Programs of the administrator's that are run when there are alerts. */
#ifndef HOOKS_H
#define HOOKS_H

#include "watch/alert.h"

/* Alerts that are waiting for the hooks, as one. */
struct summary {
	size_t nr;
	struct words lines;	/* the first ones */
	struct words devices, children;
	struct words fields;	/* of the only alert */
	char *event;
	char *id;		/* the same if the hooks are run again for the same alerts */
};

void summary_add(struct summary *summary, const struct alert *alert);
void summary_free(struct summary *summary);

pid_t hooks_start(const struct summary *summary);

#endif
