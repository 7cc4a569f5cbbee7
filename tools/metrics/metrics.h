/* SPDX-License-Identifier: GPL-2.0 */
/* What monitoring systems collect: Documentation/metrics.rst. */
#ifndef METRICS_H
#define METRICS_H

#include <stdio.h>

#include "device/dm.h"
#include "device/stack.h"

void metrics_add_device(const struct stack *stack, const struct device *device,
			const struct mapped *mapped, const struct table *status);
void metrics_print(FILE *file);

#endif
