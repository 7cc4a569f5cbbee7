/* SPDX-License-Identifier: GPL-2.0 */
/* Mounts that do not protect their data. */
#ifndef WATCH_MOUNTS_H
#define WATCH_MOUNTS_H

#include "watch/alert.h"

char *mounted_as(const char *boot, const struct device *device);
struct alert **mount_alerts(const char *boot, const struct stack *stack,
			    const struct device *device, size_t *nr);

#endif
