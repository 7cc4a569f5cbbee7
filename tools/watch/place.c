// SPDX-License-Identifier: GPL-2.0
#include "util/alloc.h"
#include "watch/place.h"

/* Read all mapped devices.  @stack has to stay as it is. */
void places_read(struct places *places, const struct stack *stack)
{
	size_t i;

	*places = (struct places){ 0 };
	for (i = 0; i < stack->nr; i++) {
		places->devices = grow(places->devices, places->nr, sizeof(struct above));
		above_begin(&places->devices[places->nr++], stack, &stack->devices[i]);
	}
}

void places_free(struct places *places)
{
	size_t i;

	for (i = 0; i < places->nr; i++)
		above_end(&places->devices[i]);
	free(places->devices);
	*places = (struct places){ 0 };
}

static bool maps(const struct above *above, dev_t disk, uint64_t sector, uint64_t sectors)
{
	struct layout parts = { 0 };
	bool any;

	above_find(above, disk, sector, sectors, &parts);
	any = parts.nr;
	layout_free(&parts);
	return any;
}

/* Whether a device stands on another. */
static bool stands_on(const struct above *above, const struct device *other)
{
	size_t i;

	for (i = 1; i < above->nr_floors; i++)
		if (above->floors[i] == other)
			return true;
	return false;
}

static bool has_dev(const dev_t *devs, size_t nr, dev_t dev)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (devs[i] == dev)
			return true;
	return false;
}

/**
 * places_find - find the devices that map a range of a disk
 * @places: All mapped devices.
 * @disk: The disk.
 * @sector: The start of the range.
 * @sectors: Its length.
 * @only: The devices to look at.  Without any, all are, and a device is left out if another one
 *	that maps the range stands on it: the failure is one of that device's.
 * @nr_only: How many.
 * @found: Set to their numbers in @places; the caller frees the list.
 *
 * Return: How many there are.
 */
size_t places_find(const struct places *places, dev_t disk, uint64_t sector, uint64_t sectors,
		   const dev_t *only, size_t nr_only, size_t **found)
{
	size_t nr = 0, all = 0, *mapping = NULL, i, j;

	*found = NULL;
	for (i = 0; i < places->nr; i++) {
		const struct above *above = &places->devices[i];

		if ((nr_only && !has_dev(only, nr_only, above->device->dev)) ||
		    !maps(above, disk, sector, sectors))
			continue;
		mapping = grow(mapping, all, sizeof(*mapping));
		mapping[all++] = i;
	}
	for (i = 0; i < all; i++) {
		const struct device *device = places->devices[mapping[i]].device;

		for (j = 0; j < all && !stands_on(&places->devices[mapping[j]], device); j++)
			;
		if (j < all && !nr_only)
			continue;
		*found = grow(*found, nr, sizeof(**found));
		(*found)[nr++] = mapping[i];
	}
	free(mapping);
	return nr;
}
