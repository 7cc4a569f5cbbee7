// SPDX-License-Identifier: GPL-2.0
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/slab.h>

#include "compat.h"
#include "device.h"

DEFINE_MUTEX(dxh_claims_mutex); /* see device.h */
DEFINE_SRCU(dxh_claims_srcu);
LIST_HEAD(dxh_devices);
u64 dxh_last_failure[DXH_LANES];
unsigned long dxh_additions;

/* Frees devices: put_dax() and iput() may sleep, a callback of SRCU must not. */
static struct workqueue_struct *freeing;

static void device_free_work(struct work_struct *work)
{
	struct dxh_device *device = container_of(work, struct dxh_device, free);

	if (device->dax_dev)
		put_dax(device->dax_dev);
	iput(device->inode);
	kfree(device);
}

static void device_free_rcu(struct rcu_head *rcu)
{
	queue_work(freeing, &container_of(rcu, struct dxh_device, rcu)->free);
}

static struct dxh_device *device_find(const struct gendisk *disk)
{
	struct dxh_device *device;

	list_for_each_entry(device, &dxh_devices, node)
		if (device->disk == disk)
			return device;
	return NULL;
}

/*
 * A device is freed with its last claim, for instance when its table is wiped, and allocated
 * anew for the next claim.  A failure in flight may have notified the old one already, so a new
 * device counts as visited.
 */
static void device_init(struct dxh_device *device, struct gendisk *disk)
{
	unsigned int i;

	device->disk = disk;
	device->inode = bdev_inode(disk->part0);
	ihold(device->inode);
	INIT_LIST_HEAD(&device->claims);
	INIT_LIST_HEAD(&device->attachments);
	INIT_WORK(&device->free, device_free_work);
	strscpy(device->name, disk->disk_name, sizeof(device->name));
	for (i = 0; i < DXH_LANES; i++) {
		device->visits[i].failure = READ_ONCE(dxh_last_failure[i]);
		device->visits[i].rc = -EOPNOTSUPP;
	}
}

/*
 * Get the device of @disk; make one if there is none.  The caller keeps the disk from going away
 * during the call.  Returns NULL if there is no memory.
 */
struct dxh_device *dxh_device_get(struct gendisk *disk)
{
	struct dxh_device *device, *spare = kzalloc(sizeof(*spare), GFP_KERNEL);

	if (!spare)
		return NULL;
	mutex_lock(&dxh_claims_mutex);
	device = device_find(disk);
	if (!device) {
		device = spare;
		spare = NULL;
		device_init(device, disk);
		list_add_tail_rcu(&device->node, &dxh_devices);
	}
	device->users++;
	mutex_unlock(&dxh_claims_mutex);
	kfree(spare);
	return device;
}

void dxh_device_put(struct dxh_device *device)
{
	mutex_lock(&dxh_claims_mutex);
	if (!--device->users) {
		list_del_rcu(&device->node);
		call_srcu(&dxh_claims_srcu, &device->rcu, device_free_rcu);
	}
	mutex_unlock(&dxh_claims_mutex);
}

/*
 * Add a claim or an attachment to its list.  A failure that read the lists too early for it
 * reads them again.
 */
void dxh_device_add(struct list_head *node, struct list_head *list)
{
	lockdep_assert_held(&dxh_claims_mutex);
	list_add_tail_rcu(node, list);
	/* Counted after it is on the list; pairs with next_window(). */
	smp_store_release(&dxh_additions, dxh_additions + 1);
}

/*
 * Remove a claim or an attachment from its list.  A failure that sees the removal also sees the
 * count of all earlier additions.
 */
void dxh_device_remove(struct list_head *node)
{
	lockdep_assert_held(&dxh_claims_mutex);
	/* Orders the additions of all CPUs before the removal; pairs with next_window(). */
	smp_mb();
	list_del_rcu(node);
}

/*
 * Return the device's dax_device, or NULL.  The disk exists, or did when its dax_device was
 * first looked up: the caller sees to that.
 */
struct dax_device *dxh_device_dax(struct dxh_device *device)
{
	struct dax_device *dax_dev = READ_ONCE(device->dax_dev);
	u64 start;

	/* The kernel logs an error for each look-up on a disk of no whole pages. */
	if (dax_dev || get_capacity(device->disk) % PAGE_SECTORS)
		return dax_dev;
	dax_dev = fs_dax_get_by_bdev(device->disk->part0, &start, NULL, NULL);
	/* The device keeps one reference; another task may have stored one first. */
	put_dax(cmpxchg(&device->dax_dev, NULL, dax_dev) ? dax_dev : NULL);
	return READ_ONCE(device->dax_dev);
}

/*
 * fs_dax_get_by_bdev() leaks a reference if the dax_device has another holder, so check for one
 * before the call.
 */
static int become_holder(struct dxh_device *child, struct block_device *bdev, char **error)
{
	u64 start;

	if (!dax_holder(child->dax_dev) &&
	    fs_dax_get_by_bdev(bdev, &start, child, &dxh_holder_ops))
		return 0;
	pr_err("%pg: %s has another holder; unmount the filesystem that is on it directly, or on one of its partitions\n",
	       bdev, child->name);
	*error = "A child has another holder";
	return -EBUSY;
}

/**
 * dxh_device_hold() - become the holder of a child's dax_device
 * @child: The child.
 * @bdev: What is opened of it: the whole disk or a partition.
 * @start_bytes: Set to the start of @bdev in the dax_device.
 * @error: Set to a short reason if the call fails; a longer one is in the kernel log.
 *
 * Each successful call needs a dxh_device_leave().  The first one takes the holder slot.
 *
 * Context: Process context, may sleep; never waits for a failure in flight.
 * Return: 0; -EOPNOTSUPP if there is no DAX, -EBUSY if there is another holder.
 */
int dxh_device_hold(struct dxh_device *child, struct block_device *bdev, u64 *start_bytes,
		    char **error)
{
	struct dax_device *dax_dev = fs_dax_get_by_bdev(bdev, start_bytes, NULL, NULL);
	int err = 0;

	if (!dax_dev) {
		pr_err("%pg: no DAX here; give an fsdax namespace or a partition of one on page boundaries\n",
		       bdev);
		*error = "A child has no DAX";
		return -EOPNOTSUPP;
	}
	mutex_lock(&dxh_claims_mutex);
	/* The device keeps one reference, the first one that was taken. */
	if (cmpxchg(&child->dax_dev, NULL, dax_dev))
		put_dax(dax_dev);
	if (!child->held)
		err = become_holder(child, bdev, error);
	if (!err)
		WRITE_ONCE(child->held, child->held + 1);
	mutex_unlock(&dxh_claims_mutex);
	return err;
}

/* Undo a successful dxh_device_hold().  The last one leaves the holder slot. */
void dxh_device_leave(struct dxh_device *child)
{
	mutex_lock(&dxh_claims_mutex);
	WRITE_ONCE(child->held, child->held - 1);
	if (!child->held)
		fs_put_dax(child->dax_dev, child);
	mutex_unlock(&dxh_claims_mutex);
}

int dxh_devices_init(void)
{
	freeing = alloc_workqueue("dax_holder", WQ_UNBOUND, 0);
	return freeing ? 0 : -ENOMEM;
}

/*
 * Called when no failure is in flight and no device is left.  The callbacks of SRCU queue work,
 * so they have to be finished before the workqueue is destroyed.
 */
void dxh_devices_exit(void)
{
	srcu_barrier(&dxh_claims_srcu);
	destroy_workqueue(freeing);
}
