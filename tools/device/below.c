// SPDX-License-Identifier: GPL-2.0
#include <libdevmapper.h>
#include <sys/sysmacros.h>

#include "util/alloc.h"
#include "device/below.h"
#include "sys/sysfs.h"

bool disks_have(const struct disks *disks, dev_t dev)
{
	size_t i;

	for (i = 0; i < disks->nr; i++)
		if (disks->devs[i] == dev)
			return true;
	return false;
}

void disks_add(struct disks *disks, dev_t dev)
{
	if (disks_have(disks, dev))
		return;
	disks->devs = grow(disks->devs, disks->nr, sizeof(dev));
	disks->devs[disks->nr++] = dev;
}

/*
 * What the live table of a mapped device is made of; NULL if it is no mapped
 * device.  sysfs has it, too, as slaves, but there those of a table that was
 * just replaced stay until that is destroyed, which is after the event.
 */
static struct dm_deps *read_deps(struct dm_task *task, dev_t dev)
{
	struct dm_info info;

	if (!task || !dm_task_set_major(task, major(dev)) || !dm_task_set_minor(task, minor(dev)) ||
	    !dm_task_run(task) || !dm_task_get_info(task, &info) || !info.exists)
		return NULL;
	return dm_task_get_deps(task);
}

/* Add the direct children of a mapped device that have DAX; a partition is its disk. */
void disks_below(struct disks *disks, dev_t dev)
{
	struct dm_task *task = dm_task_create(DM_DEVICE_DEPS);
	struct dm_deps *deps = read_deps(task, dev);
	unsigned int i;

	for (i = 0; deps && i < deps->count; i++)
		if (block_has_dax(deps->device[i]))
			disks_add(disks, block_disk(deps->device[i]));
	if (task)
		dm_task_destroy(task);
}

void disks_free(struct disks *disks)
{
	free(disks->devs);
	*disks = (struct disks){ 0 };
}
