/* SPDX-License-Identifier: GPL-2.0 */
/* Whether a device and the XFS on it are as they should be. */
#ifndef CHECK_H
#define CHECK_H

#include "device/dm.h"
#include "device/stack.h"
#include "health/findings.h"

void check_device(struct findings *findings, const struct stack *stack,
		  const struct mapped *mapped);

#endif
