/* SPDX-License-Identifier: GPL-2.0 */
/* New mapped devices that inherit no promise of removed ones. */
#ifndef FRESH_H
#define FRESH_H

#include "device/table.h"

/* How many attempts are made at most. */
#define FRESH_ATTEMPTS	100

int fresh_create(const char *name, const char *uuid, const struct table *table);
void fresh_tidy(void);

#endif
