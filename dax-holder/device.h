/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Devices: disks that are a child, a parent, or both (a mapped device between two others).
 *
 * Locks, outermost first:
 *
 * attach_mutex serializes attaching and detaching.
 *
 * records_mutex serializes the making and naming of records (records.c).  Memory is allocated
 * while it is held, but never by I/O.
 *
 * claims_mutex serializes changes of the list of devices, and of the claims, attachments and
 * holder of each.  No memory is allocated and no failure is waited for while it is held: memory
 * reclaim, or a parent's handler, may wait for a suspended device, and what resumes that device
 * may have to make a claim first.
 *
 * A failure holds its lane (failure.c) from its arrival to its end, also while a parent's
 * handler runs.  Only failures take a lane, and no lock named above is taken inside.
 *
 * claims_srcu keeps devices, claims, attachments and counters readable for a failure in flight
 * after their removal from the lists.  They are freed by call_srcu(); only module exit waits.
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
extern u64 dxh_last_failure[];		/* number of the last one, by lane */
extern unsigned long dxh_additions;	/* to the lists of claims and attachments */

/* The upcall: called by the kernel when a child fails (failure.c). */
extern const struct dax_holder_operations dxh_holder_ops;

/* Lane 0 is for failed pages, lane 1 for children that go away; see failure.c. */
#define DXH_LANES	2

/**
 * struct dxh_visit - what the failures of one lane record in a device
 * @failure: Number of the last failure that visited the device as a parent.
 * @rc: Result of that visit.
 */
struct dxh_visit {
	u64 failure;
	int rc;
};

/**
 * struct dxh_device - a disk that is a child, a parent, or both
 * @node: In dxh_devices.
 * @disk: The disk.  @inode keeps its memory; its driver may be gone.
 * @inode: Inode of the disk's whole block device, referenced.
 * @dax_dev: Referenced.  NULL until it can be looked up: a parent's only once a table with DAX
 *	is live.
 * @claims: Claims of this device, as a parent, on its children.
 * @attachments: Attachments of this device, as a parent, to its children.
 * @users: References, one for each claim and attachment on this device or by it.
 * @held: Claims and attachments on this device.  While there are any, dax_holder is the holder
 *	of @dax_dev.
 * @gone: The kernel has announced that @dax_dev goes away.
 * @mark: Last search of guard.c that came here; under claims_mutex.
 * @record: What has failed of it; NULL for a mapped device and for what was never held.
 * @dir: Directory in sysfs, of @record or while something is attached to the device; under
 *	attach_mutex.
 * @dir_users: Attachments in @dir; under attach_mutex.
 * @visits: What failures record here, by lane.
 * @name: Name of the disk, for messages.
 * @rcu: For call_srcu(), when @users has become 0.
 * @free: Work that frees the device after that.
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

	struct dxh_record *record;
	struct device *dir;
	unsigned int dir_users;

	struct dxh_visit visits[DXH_LANES];

	char name[DISK_NAME_LEN];
	struct rcu_head rcu;
	struct work_struct free;
};

int dxh_devices_init(void);
void dxh_devices_exit(void);
/*
 * A mapped device, recognised by a flag that device-mapper sets: no partitions.  It may be a
 * child and a parent at once.
 */
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
