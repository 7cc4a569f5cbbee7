/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The differences between the supported kernels, each selected by the feature itself and not by
 * a version.  One is elsewhere: <linux/pfn_t.h>, which newer kernels lack, is in compat/linux.
 */
#ifndef DAX_HOLDER_COMPAT_H
#define DAX_HOLDER_COMPAT_H

#include <linux/blkdev.h>
#include <linux/device/class.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>

/* A byte offset of a device, a page number and a sector must each fit into a long. */
#ifndef CONFIG_64BIT
#error "a 64-bit kernel is needed: ZONE_DEVICE, and so DAX, is for these alone"
#endif

/* Callbacks of a class take constant arguments since class_create() is a function. */
#ifdef class_create
#define class_const
#else
#define class_const const
#endif

/* The state of an incremental SHA-256: the type that sha256_init() takes. */
struct sha256_ctx;
#define sha256_context							\
	typeof(*__builtin_choose_expr(__same_type(sha256_init,		\
						  void (struct sha256_ctx *)), \
				      (struct sha256_ctx *)NULL,	\
				      (struct sha256_state *)NULL))

/* A block device that is opened by number, for reading. */
struct opened_bdev {
	struct block_device *bdev;
	struct file *file;
};

#ifdef BLK_OPEN_READ

static inline struct inode *bdev_inode(const struct block_device *bdev)
{
	return bdev->bd_mapping->host;
}

static inline int opened_bdev_get(struct opened_bdev *opened, dev_t dev)
{
	opened->file = bdev_file_open_by_dev(dev, BLK_OPEN_READ, NULL, NULL);
	if (IS_ERR(opened->file))
		return PTR_ERR(opened->file);
	opened->bdev = file_bdev(opened->file);
	return 0;
}

static inline void opened_bdev_put(struct opened_bdev *opened)
{
	fput(opened->file);
}

#else

static inline struct inode *bdev_inode(const struct block_device *bdev)
{
	return bdev->bd_inode;
}

static inline int opened_bdev_get(struct opened_bdev *opened, dev_t dev)
{
	opened->bdev = blkdev_get_by_dev(dev, FMODE_READ, NULL);
	return PTR_ERR_OR_ZERO(opened->bdev);
}

static inline void opened_bdev_put(struct opened_bdev *opened)
{
	blkdev_put(opened->bdev, FMODE_READ);
}

#endif

#endif
