/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The differences between the supported kernels, each selected by the feature itself and not by
 * a version.  One is elsewhere: <linux/pfn_t.h>, which newer kernels lack, is in compat/linux.
 */
#ifndef DAX_HOLDER_COMPAT_H
#define DAX_HOLDER_COMPAT_H

#include <linux/blkdev.h>
#include <linux/device/class.h>
#include <linux/fs.h>
#include <linux/sysfs.h>

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

/* A binary attribute as callbacks and the list in a group take it: newer kernels make it const. */
#define binary_attribute						\
	typeof(*__builtin_choose_expr(__same_type(((struct bin_attribute *)0)->read, \
						  ssize_t (*)(struct file *, struct kobject *, \
							      const struct bin_attribute *, \
							      char *, loff_t, size_t)), \
				      (const struct bin_attribute *)NULL,	\
				      (struct bin_attribute *)NULL))

/*
 * The inode of a block device.  The release that replaced bd_inode by bd_mapping also brought
 * BD_PARTNO, which is a macro.
 */
static inline struct inode *bdev_inode(const struct block_device *bdev)
{
#ifdef BD_PARTNO
	return bdev->bd_mapping->host;
#else
	return bdev->bd_inode;
#endif
}

#endif
