/* SPDX-License-Identifier: GPL-2.0 */
/* Several alerts as one, for the hooks. */
#ifndef SUMMARY_H
#define SUMMARY_H

#include "util/json.h"
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
struct json_object *summary_json(const struct summary *summary);
bool summary_read(struct summary *summary, struct json_object *json);

#endif
