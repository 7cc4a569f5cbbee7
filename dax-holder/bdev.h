/* SPDX-License-Identifier: GPL-2.0 */
/* Block devices by number. */
#ifndef DAX_HOLDER_BDEV_H
#define DAX_HOLDER_BDEV_H

#include <linux/blk_types.h>

struct block_device *dxh_bdev_get(dev_t dev);
void dxh_bdev_put(struct block_device *bdev);

#endif
