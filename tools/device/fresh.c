// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel never clears the flag by which a dax_device promises synchronous
 * faults (MAP_SYNC), and the slab allocator hands a new mapped device the memory
 * of one that was removed, with the flag.  A child that cannot keep the promise
 * is then refused with -EXDEV, though the device is new.  Only a new slab is
 * cleared: so slabs in which nothing lives are given back to the page allocator,
 * and what is free in the others is used up, an object an attempt.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "util/alloc.h"
#include "device/dm.h"
#include "device/fresh.h"

/* The cache has a constructor, so it is merged with no other; not all kernels have the file. */
#define SHRINK		"/sys/kernel/slab/dax_cache/shrink"
#define SPARE_UUID	UUID_PREFIX "SPARE-"

static void give_back(void)
{
	FILE *file = fopen(SHRINK, "we");

	if (!file)
		return;
	fputs("1", file);
	fclose(file);
}

/* A device without a table has a dax_device, and udev hears nothing of it. */
static void use_up(unsigned int number)
{
	char *name = format_text("daxlinear-spare-%u", number);
	char *uuid = format_text(SPARE_UUID "%u", number);

	dm_create_bare(name, uuid);
	free(name);
	free(uuid);
}

/* Remove the devices that use up memory; the caller has the lock of changes. */
void fresh_tidy(void)
{
	size_t nr, i;
	char **names;

	nr = dm_names(&names);
	for (i = 0; i < nr; i++) {
		struct mapped mapped;

		if (dm_find(names[i], &mapped) && !mapped.live &&
		    !strncmp(mapped.uuid, SPARE_UUID, strlen(SPARE_UUID)))
			dm_remove(&mapped);
		free(names[i]);
	}
	free(names);
}

/* Make a device with a live table; 0 or a negative errno, and none is left if it fails. */
int fresh_create(const char *name, const char *uuid, const struct table *table)
{
	int err = dm_create(name, uuid, table);
	unsigned int i;

	for (i = 1; err == -EXDEV && i < FRESH_ATTEMPTS; i++) {
		give_back();
		use_up(i);
		err = dm_create(name, uuid, table);
	}
	if (i > 1)
		fresh_tidy();
	return err;
}
