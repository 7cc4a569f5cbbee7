/* SPDX-License-Identifier: GPL-2.0 */
/* What the steps of a drill have shown, as lines or as JSON. */
#ifndef STEPS_H
#define STEPS_H

#include <stdbool.h>

#include "util/json.h"

enum shown {
	GOOD,
	WRONG,
	ABSENT,		/* there is nothing to show, which is no fault */
};

struct steps {
	struct json_object *list;	/* NULL: a line each, at once */
	bool wrong;			/* one of them is */
};

void step(struct steps *steps, const char *name, enum shown shown, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
