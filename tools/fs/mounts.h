/* SPDX-License-Identifier: GPL-2.0 */
/* Where a device is mounted. */
#ifndef MOUNTS_H
#define MOUNTS_H

#include <stdbool.h>
#include <sys/types.h>

struct mount {
	char *type;
	char *folder;	/* the mount point of its root */
	char *options;
};

bool mount_find(dev_t dev, struct mount *mount);

#endif
