/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAX_HOLDER_SYSFS_H
#define DAX_HOLDER_SYSFS_H

#include <linux/device/class.h>

#include "attachment.h"

extern struct class dxh_class;
extern const struct attribute_group *dxh_attachment_groups[];

int dxh_dir_get(struct dxh_device *child);
void dxh_dir_put(struct dxh_device *child);

#endif
