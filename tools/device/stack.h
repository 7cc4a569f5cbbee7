/* SPDX-License-Identifier: GPL-2.0 */
/* All mapped devices and their children. */
#ifndef STACK_H
#define STACK_H

#include "device/layout.h"

struct device {
	char *name;
	dev_t dev;
	struct table table;
	struct layout layout;
};

struct stack {
	struct device *devices;
	size_t nr;
};

void stack_read(struct stack *stack);
void stack_free(struct stack *stack);
const struct device *stack_find(const struct stack *stack, dev_t dev);
size_t stack_floors(const struct stack *stack, const struct device *device,
		    const struct device ***floors);
void stack_flatten(const struct stack *stack, struct layout *leaves, const struct layout *layout);
bool device_is_ours(const struct device *device);

#endif
