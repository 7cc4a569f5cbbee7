// SPDX-License-Identifier: GPL-2.0
/*
 * Look up a block device by number, without opening it.  The kernel's function that opens one
 * differs between the supported kernels, and a device that is open cannot be removed.
 */
#include <linux/blkdev.h>
#include <linux/device_cgroup.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kdev_t.h>
#include <linux/module.h>

#include "bdev.h"

/*
 * The inode is hashed until the device is deleted, before the disk and the driver may go.  The
 * memory of both is freed after an RCU grace period.  So if the inode is still hashed inside an
 * RCU read-side critical section, both can be used there.
 */
static bool get_unless_deleted(struct inode *inode, struct block_device *bdev)
{
	struct module *driver;
	bool got = false;

	rcu_read_lock();
	if (!inode_unhashed(inode)) {
		driver = bdev->bd_disk->fops->owner;
		if (try_module_get(driver)) {
			got = kobject_get_unless_zero(bdev_kobj(bdev));
			/* Without the device there is no dxh_bdev_put(). */
			module_put(got ? NULL : driver);
		}
	}
	rcu_read_unlock();
	return got;
}

/*
 * Return a disk or a partition that the caller may read.  Until dxh_bdev_put() its structures
 * and its driver stay, but the device may be deleted.
 */
struct block_device *dxh_bdev_get(dev_t dev)
{
	struct block_device *bdev;
	struct inode *inode;
	int err;

	err = devcgroup_check_permission(DEVCG_DEV_BLOCK, MAJOR(dev), MINOR(dev), DEVCG_ACC_READ);
	if (err)
		return ERR_PTR(err);
	inode = ilookup(blockdev_superblock, dev);
	if (!inode)
		return ERR_PTR(-ENXIO);
	bdev = I_BDEV(inode);
	if (!get_unless_deleted(inode, bdev))
		bdev = ERR_PTR(-ENXIO);
	iput(inode);
	return bdev;
}

void dxh_bdev_put(struct block_device *bdev)
{
	struct module *driver = bdev->bd_disk->fops->owner;

	/* The last reference releases the disk, which takes its driver. */
	put_device(&bdev->bd_device);
	module_put(driver);
}
