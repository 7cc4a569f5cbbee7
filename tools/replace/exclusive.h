/* SPDX-License-Identifier: GPL-2.0 */
/* A mapped device that nothing has open. */
#ifndef EXCLUSIVE_H
#define EXCLUSIVE_H

#include "device/dm.h"
#include "device/stack.h"

uint64_t exclusive_check(const struct mapped *mapped, int fd);
int exclusive_open(const struct mapped *mapped, const struct stack *stack);

#endif
