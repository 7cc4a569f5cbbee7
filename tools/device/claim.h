/* SPDX-License-Identifier: GPL-2.0 */
/* Devices that a command works on for long, without the lock of changes. */
#ifndef CLAIM_H
#define CLAIM_H

#include <sys/types.h>

void claim_take(dev_t dev, const char *what);
void claim_refuse(dev_t dev, const char *name);

#endif
