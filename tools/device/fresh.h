/* SPDX-License-Identifier: GPL-2.0 */
/* New mapped devices that take over no promise of old ones. */
#ifndef FRESH_H
#define FRESH_H

#include "device/table.h"

/* How many devices are made at most until one takes over nothing. */
#define FRESH_ATTEMPTS	100

int fresh_create(const char *name, const char *uuid, const struct table *table);
void fresh_tidy(void);

#endif
