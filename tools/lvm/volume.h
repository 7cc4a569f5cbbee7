/* SPDX-License-Identifier: GPL-2.0 */
/* Logical volumes as device-mapper has them, and what /etc/daxlinear/lvm.conf wants for them. */
#ifndef VOLUME_H
#define VOLUME_H

#include "device/dm.h"

/* A volume of a user, not one of the layers that LVM hides. */
struct volume {
	struct mapped mapped;
	char *name;		/* VG/LV */
};

/* Patterns of VG/LV. */
struct globs {
	char **globs;
	size_t nr;
};

struct lvm_conf {
	struct globs attach;
	struct globs convert;
	bool attach_given;
};

bool volume_find(struct volume *volume, dev_t dev);
size_t volumes_read(struct volume **volumes);

void lvm_conf_read(struct lvm_conf *conf);
bool globs_match(const struct globs *globs, const char *name);

int vg_lock(const struct volume *volume);
void vg_unlock(const struct volume *volume, int lock);

#endif
