// SPDX-License-Identifier: GPL-2.0
/*
 * A new mapped device can be refused with -EXDEV for a promise of an old one.
 * The kernel never clears the flag by which a dax_device promises synchronous
 * faults (MAP_SYNC), and the slab allocator reuses the memory of a removed
 * dax_device, flag included, for a new one.  A child that is not synchronous then
 * breaks the promise.  Only a new slab is cleared.  So each attempt returns empty
 * slabs to the page allocator, and uses up one free object of the others.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "util/alloc.h"
#include "device/dm.h"
#include "device/fresh.h"

/* The cache has a constructor, so it is never merged.  Not all kernels have the file. */
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

/* A device without a table has a dax_device, and causes no event for udev. */
static void use_up(unsigned int number)
{
	char *name = format_text("daxlinear-spare-%u", number);
	char *uuid = format_text(SPARE_UUID "%u", number);

	dm_create_bare(name, uuid);
	free(name);
	free(uuid);
}

/* Remove the devices that use_up() made; the caller holds the lock of changes. */
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

/* Make a device with a live table; 0, or a negative errno and there is no device. */
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
