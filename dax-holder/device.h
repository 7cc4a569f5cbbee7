/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The devices that are a child or a parent, or both: a mapped device between two others.
 *
 * Locks, the outer ones first:
 *
 * attach_mutex orders those who attach and detach.
 *
 * claims_mutex orders those who change the list of devices, their claims, attachments and
 * holders.  Nothing is allocated and no failure is waited for while it is held: memory
 * reclaim, or a parent's handler, may wait for a suspended device whose resume needs a claim.
 *
 * A failure's lane (failure.c) is held by a failure, also while a parent's handler runs.  Only
 * failures take it, and none of the above is taken inside.
 *
 * claims_srcu keeps devices, claims, attachments and counters readable for a failure after
 * they were taken off their lists.  Only module exit waits for it.
 */
#ifndef DAX_HOLDER_DEVICE_H
#define DAX_HOLDER_DEVICE_H

#include <linux/blkdev.h>
#include <linux/dax.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/srcu.h>
#include <linux/workqueue.h>

extern struct mutex dxh_claims_mutex;
extern struct srcu_struct dxh_claims_srcu;
extern struct list_head dxh_devices;
extern u64 dxh_last_failure[];		/* of each lane */
extern unsigned long dxh_additions;	/* of claims and attachments to devices' lists */

/* The upcall: what the kernel calls as a child of ours fails (failure.c). */
extern const struct dax_holder_operations dxh_holder_ops;

/* One for failures of pages, one for children that go; see failure.c. */
#define DXH_LANES	2

/**
 * struct dxh_visit - what a failure notes in a device; its lane's
 * @failure: The last failure that visited the device as a parent,
 * @rc: and what that came to.
 */
struct dxh_visit {
	u64 failure;
	int rc;
};

/**
 * struct dxh_device - a disk that is a child, a parent, or both
 * @node: In dxh_devices.
 * @disk: Its memory stays as long as we have @inode, its driver need not.
 * @inode: Of the disk's whole block device.
 * @dax_dev: NULL until it can be had: a parent shows it only once a table with DAX is live.
 * @claims: On its children, as a parent.
 * @attachments: To its children, as a parent.
 * @users: Claims and attachments, on it or by it.
 * @held: Those on it: as long as there is one, we are the holder of @dax_dev.
 * @gone: The kernel has announced that @dax_dev goes away.
 * @mark: What guard.c has seen; under claims_mutex.
 * @dir: In sysfs, while something is attached to it; under attach_mutex,
 * @dir_users: as is this.
 * @visits: What failures note in it.
 * @name: The disk's.
 */
struct dxh_device {
	struct list_head node;
	struct gendisk *disk;
	struct inode *inode;
	struct dax_device *dax_dev;
	struct list_head claims;
	struct list_head attachments;
	unsigned int users;
	unsigned int held;
	bool gone;
	u64 mark;

	struct device *dir;
	unsigned int dir_users;

	struct dxh_visit visits[DXH_LANES];

	char name[DISK_NAME_LEN];
	struct rcu_head rcu;
	struct work_struct free;
};

int dxh_devices_init(void);
void dxh_devices_exit(void);
/* What is between others: a mapped device, which has no partitions. */
static inline bool dxh_is_mapped(const struct gendisk *disk)
{
	return disk->flags & GENHD_FL_NO_PART;
}

struct dxh_device *dxh_device_get(struct gendisk *disk);
void dxh_device_put(struct dxh_device *device);
struct dax_device *dxh_device_dax(struct dxh_device *device);
void dxh_device_add(struct list_head *node, struct list_head *list);
void dxh_device_remove(struct list_head *node);
int dxh_device_hold(struct dxh_device *child, struct block_device *bdev, u64 *start_bytes,
		    char **error);
void dxh_device_leave(struct dxh_device *child);

#endif
