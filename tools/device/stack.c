// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "util/alloc.h"
#include "device/dm.h"
#include "device/stack.h"

/* Read the live tables of all mapped devices. */
void stack_read(struct stack *stack)
{
	size_t nr, i;
	char **names;

	*stack = (struct stack){ 0 };
	nr = dm_names(&names);
	for (i = 0; i < nr; i++) {
		struct device device = { .name = names[i] };
		struct mapped mapped;

		/* The device may have been removed meanwhile. */
		if (!dm_find(names[i], &mapped) || !dm_table(names[i], &device.table)) {
			free(names[i]);
			continue;
		}
		device.dev = mapped.dev;
		free(mapped.name);
		free(mapped.uuid);
		layout_read(&device.layout, &device.table);
		stack->devices = grow(stack->devices, stack->nr, sizeof(device));
		stack->devices[stack->nr++] = device;
	}
	free(names);
}

void stack_free(struct stack *stack)
{
	size_t i;

	for (i = 0; i < stack->nr; i++) {
		free(stack->devices[i].name);
		table_free(&stack->devices[i].table);
		layout_free(&stack->devices[i].layout);
	}
	free(stack->devices);
	*stack = (struct stack){ 0 };
}

/* The mapped device of a number, NULL if it is none. */
const struct device *stack_find(const struct stack *stack, dev_t dev)
{
	size_t i;

	for (i = 0; i < stack->nr; i++)
		if (stack->devices[i].dev == dev)
			return &stack->devices[i];
	return NULL;
}

/**
 * stack_floors - list a mapped device and all mapped devices that it stands on
 * @stack: All devices.
 * @device: The device, which becomes the first of the list.
 * @floors: The list, each device once. The caller frees it.
 *
 * It follows libdevmapper's lists of devices, which every target has, whatever its mapping.
 *
 * Return: How many there are.
 */
size_t stack_floors(const struct stack *stack, const struct device *device,
		    const struct device ***floors)
{
	size_t nr = 0, i, j, k;

	*floors = grow(NULL, nr, sizeof(device));
	(*floors)[nr++] = device;
	/* It gets longer meanwhile. */
	for (i = 0; i < nr; i++) {
		dev_t *children;
		size_t nr_children = dm_children((*floors)[i]->dev, &children);

		for (j = 0; j < nr_children; j++) {
			const struct device *below = stack_find(stack, children[j]);

			for (k = 0; k < nr && (*floors)[k] != below; k++)
				;
			if (!below || k < nr)
				continue;
			*floors = grow(*floors, nr, sizeof(device));
			(*floors)[nr++] = below;
		}
		free(children);
	}
	return nr;
}

static const struct layout *layout_of(dev_t dev, void *stack)
{
	const struct device *device = stack_find(stack, dev);

	return device ? &device->layout : NULL;
}

/* Resolve ranges on mapped devices to ranges of the devices at the bottom. */
void stack_flatten(const struct stack *stack, struct layout *leaves, const struct layout *layout)
{
	layout_flatten(leaves, layout, layout_of, (void *)stack);
}

/* Whether a device has a target of ours. */
bool device_is_ours(const struct device *device)
{
	size_t i;

	for (i = 0; i < device->table.nr; i++)
		if (!strcmp(device->table.targets[i].type, TARGET_OURS))
			return true;
	return false;
}
