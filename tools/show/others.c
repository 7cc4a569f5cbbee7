// SPDX-License-Identifier: GPL-2.0
/* What other devices use of the children of a device. */
#include <stdlib.h>
#include <string.h>

#include "device/dm.h"
#include "show/parts.h"
#include "show/picture.h"
#include "util/alloc.h"
#include "util/size.h"

/* Of more devices only the number is printed. */
#define NAMES_MAX	3

/* Those that use a part of a strip. */
struct others {
	uint64_t bytes;
	char *names;
	size_t nr;
};

static bool is_lvms(dev_t dev)
{
	struct mapped mapped;
	bool is;

	if (!dm_find_number(dev, &mapped))
		return false;
	is = dm_is_lvms(&mapped);
	free(mapped.name);
	free(mapped.uuid);
	return is;
}

/*
 * Whether a device shares children with ours and is neither above nor below it.  What stands on
 * another such device is none: the lower one has that space.
 */
static bool is_other(const struct stack *stack, const struct device *device,
		     const struct device *other)
{
	dev_t *children;
	size_t nr, i;
	bool is = other != device && !is_above(stack, device->dev, other->dev) &&
		  !is_above(stack, other->dev, device->dev);

	nr = dm_children(other->dev, &children);
	for (i = 0; i < nr && is; i++)
		is = !stack_find(stack, children[i]) ||
		     is_above(stack, device->dev, children[i]);
	free(children);
	return is;
}

static void add_name(struct others *others, const char *name)
{
	char *names;

	if (others->nr++ >= NAMES_MAX)
		return;
	names = others->names ? format_text("%s, %s", others->names, name) : copy_text(name);
	free(others->names);
	others->names = names;
}

/* Mark what a device uses of each strip; false if it uses none. */
static bool add_other(struct picture *picture, struct others *others, const struct parts *parts,
		      const char *name)
{
	bool uses = false;
	size_t i, j;

	for (i = 0; i < picture->nr; i++) {
		bool named = false;

		for (j = 0; j < parts->nr; j++) {
			const struct part *part = &parts->parts[j];

			if (part->dev != picture->strips[i].dev)
				continue;
			strip_mark(&picture->strips[i], MARK_OTHER, part->first_sectors * SECTOR,
				   part->len_sectors * SECTOR);
			others[i].bytes += part->len_sectors * SECTOR;
			if (!named)
				add_name(&others[i], name);
			named = true;
		}
		uses |= named;
	}
	return uses;
}

static char *others_text(const struct others *others)
{
	char text[SIZE_TEXT_LEN];

	if (!others->nr)
		return copy_text("");
	size_text(others->bytes, text);
	if (others->nr > NAMES_MAX)
		return format_text(", %s of %s and %zu more", text, others->names,
				   others->nr - NAMES_MAX);
	return format_text(", %s of %s", text, others->names);
}

/**
 * picture_add_others - mark what other devices use of the strips that there are
 * @picture: The picture.
 * @stack: All devices.
 * @device: The device that is drawn.
 */
void picture_add_others(struct picture *picture, const struct stack *stack,
			const struct device *device)
{
	struct others *others = NULL;
	bool lvm = is_lvms(device->dev);
	size_t i;

	for (i = 0; i < picture->nr; i++) {
		others = grow(others, i, sizeof(*others));
		others[i] = (struct others){ 0 };
	}
	for (i = 0; i < stack->nr; i++) {
		const struct device *other = &stack->devices[i];
		struct parts parts = { 0 };

		if (!is_other(stack, device, other))
			continue;
		parts_find(&parts, stack, other);
		lvm |= add_other(picture, others, &parts, other->name) && is_lvms(other->dev);
		parts_free(&parts);
	}
	for (i = 0; i < picture->nr; i++) {
		picture->strips[i].others = others_text(&others[i]);
		free(others[i].names);
	}
	free(others);
	/* Inactive volumes have no mapped device. */
	picture->unused = lvm ? "in no active volume" : "unused";
}
