/* SPDX-License-Identifier: GPL-2.0 */
/* The rehearsal of a failure on a device in use. */
#ifndef DRILL_H
#define DRILL_H

#include <stdbool.h>

struct drill_options {
	bool yes;
	bool json;
};

int drill(const char *name, const struct drill_options *options);

#endif
