/* SPDX-License-Identifier: GPL-2.0 */
/* Watch devices, and alert when memory fails or a mount does not protect its data. */
#ifndef WATCH_H
#define WATCH_H

#include "watch/alert.h"

/**
 * struct watch_options - what to watch
 * @devs: The devices.  Without any, all are watched, those that come later too; alerts then also go
 *	to the journal and to the hooks, and the history is written.
 * @nr: How many.
 * @print: Print an alert.
 */
struct watch_options {
	const dev_t *devs;
	size_t nr;
	void (*print)(const struct alert *alert);
};

bool watch(const struct watch_options *options);
bool watch_test(void (*print)(const struct alert *alert));

#endif
