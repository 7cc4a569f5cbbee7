// SPDX-License-Identifier: GPL-2.0
/*
 * Attaching and detaching parents that bring no ranges.
 *
 * Nobody tells us when such a parent or its child goes.  A dead one finds nothing
 * and tells nobody; it is dropped the next time that anybody comes here.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/slab.h>

#include "attach.h"
#include "compat.h"

DEFINE_MUTEX(attach_mutex); /* those who attach and detach, see holder.h */

/* Under attach_mutex. */
static LIST_HEAD(attachments);
static bool closed;

/* What gives back what a callback of SRCU must not. */
static struct workqueue_struct *freeing;

static void attachment_release(struct kobject *kobj)
{
	struct attachment *attachment = to_attachment(kobj);

	put_dax(attachment->dax_dev);
	put_device(disk_to_dev(attachment->disk));
	put_device(disk_to_dev(attachment->child_disk));
	kfree(attachment);
}

static struct kobj_type attachment_type = {
	.release = attachment_release,
	.sysfs_ops = &kobj_sysfs_ops,
	.default_groups = attachment_groups,
};

static void attachment_free_work(struct work_struct *work)
{
	kobject_put(&container_of(work, struct attachment, free)->kobj);
}

/* No failure looks at it any more. */
static void attachment_free_rcu(struct rcu_head *rcu)
{
	queue_work(freeing, &container_of(rcu, struct attachment, rcu)->free);
}

bool attachment_dead(struct attachment *attachment)
{
	int id = dax_read_lock();
	bool dead = !dax_alive(attachment->dax_dev) ||
		    !dax_alive(attachment->slot->dax_dev);

	dax_read_unlock(id);
	return dead;
}

/* How much of the child the parent maps now. */
u64 attachment_mapped_bytes(struct attachment *attachment)
{
	struct dax_search s = attachment_search(attachment, 0, U64_MAX);
	u64 bytes = 0;
	int id;

	id = dax_read_lock();
	while (dax_search(&s))
		bytes += s.hit_len;
	dax_read_unlock(id);
	return bytes;
}

static void attachment_put_slot(struct attachment *attachment)
{
	mutex_lock(&claims_mutex);
	slot_put(attachment->slot);
	mutex_unlock(&claims_mutex);
}

/* The caller holds attach_mutex. */
static void attachment_drop(struct attachment *attachment)
{
	/* Waits for who reads it, and those wait for nobody. */
	kobject_del(&attachment->kobj);
	list_del(&attachment->all_node);

	mutex_lock(&claims_mutex);
	spin_lock(&claims_lock);
	list_del_rcu(&attachment->node);
	list_del_rcu(&attachment->parent_node);
	spin_unlock(&claims_lock);
	account_put(attachment->account);
	parent_put(attachment->parent);
	mutex_unlock(&claims_mutex);

	dir_put(attachment->slot);
	attachment_put_slot(attachment);
	call_srcu(&claims_srcu, &attachment->rcu, attachment_free_rcu);
}

static void drop_dead(void)
{
	struct attachment *attachment, *next;

	list_for_each_entry_safe(attachment, next, &attachments, all_node)
		if (attachment_dead(attachment))
			attachment_drop(attachment);
}

/* By numbers, because what they stand for may be gone. */
static struct attachment *attachment_find(dev_t parent, dev_t child)
{
	struct attachment *attachment;

	list_for_each_entry(attachment, &attachments, all_node)
		if (disk_devt(attachment->disk) == parent &&
		    disk_devt(attachment->child_disk) == child)
			return attachment;
	return NULL;
}

/* File it under its child and its parent, unless that closes a loop. */
static int attachment_publish(struct attachment *attachment, struct parent **spare)
{
	int err = 0;

	mutex_lock(&claims_mutex);
	attachment->parent = parent_get(attachment->disk, *spare);
	*spare = NULL;
	if (disk_stacked_on(attachment->child_disk, attachment->disk)) {
		pr_err("%s is stacked on %s itself; give the device that is below\n",
		       attachment->slot->name, attachment->parent->name);
		parent_put(attachment->parent);
		err = -ELOOP;
	} else {
		attachment->account->parent = attachment->parent;
		spin_lock(&claims_lock);
		list_add_tail_rcu(&attachment->node, &attachment->slot->attachments);
		list_add_tail_rcu(&attachment->parent_node, &attachment->parent->attachments);
		spin_unlock(&claims_lock);
	}
	mutex_unlock(&claims_mutex);
	return err;
}

/* The child's slot and the directory, then the rest; the caller holds attach_mutex. */
static int attachment_add(struct attachment *attachment, struct block_device *child,
			  struct parent **parent)
{
	struct slot *spare;
	char *error;
	u64 start;
	int err;

	spare = kzalloc(sizeof(*spare), GFP_KERNEL);
	if (!spare)
		return -ENOMEM;
	mutex_lock(&claims_mutex);
	err = slot_get(child, spare, &attachment->slot, &start, &error);
	mutex_unlock(&claims_mutex);
	if (attachment->slot != spare)
		kfree(spare);
	if (err)
		return err;
	err = dir_get(attachment->slot);
	if (err)
		goto put_slot;
	err = kobject_add(&attachment->kobj, &attachment->slot->dir->kobj, "%s",
			  attachment->disk->disk_name);
	if (err)
		goto put_dir;
	err = attachment_publish(attachment, parent);
	if (!err) {
		list_add_tail(&attachment->all_node, &attachments);
		return 0;
	}
	kobject_del(&attachment->kobj);
put_dir:
	dir_put(attachment->slot);
put_slot:
	attachment_put_slot(attachment);
	return err;
}

/* Being attached cures no copy-on-write that leaves a piece of memory at its end. */
static void attachment_log(const struct attachment *attachment)
{
	int id = dax_read_lock();
	bool whole = maps_one_run(attachment->disk, attachment->dax_dev);

	dax_read_unlock(id);
	pr_info("%s is attached to %s%s\n", attachment->disk->disk_name,
		attachment->child_disk->disk_name,
		whole ? "" : "; it is in pieces, and copy-on-write may mix data where they meet");
}

static int attachment_open(struct block_device *parent_bdev, struct block_device *child)
{
	struct gendisk *disk = parent_bdev->bd_disk;
	struct attachment *attachment;
	struct dax_device *dax_dev;
	struct parent *parent;
	int err = -ENOMEM;
	u64 start;

	attachment = kzalloc(sizeof(*attachment), GFP_KERNEL);
	parent = kzalloc(sizeof(*parent), GFP_KERNEL);
	if (!attachment || !parent)
		goto free;
	attachment->account = account_new();
	if (!attachment->account)
		goto free;
	dax_dev = fs_dax_get_by_bdev(disk->part0, &start, NULL, NULL);
	if (!dax_dev) {
		pr_err("%s: no DAX here; give a mapped device all of whose targets have it\n",
		       disk->disk_name);
		err = -EOPNOTSUPP;
		goto free;
	}
	attachment->dax_dev = dax_dev;
	attachment->disk = disk;
	attachment->child_disk = child->bd_disk;
	get_device(disk_to_dev(attachment->disk));
	get_device(disk_to_dev(attachment->child_disk));
	INIT_WORK(&attachment->free, attachment_free_work);
	kobject_init(&attachment->kobj, &attachment_type);

	mutex_lock(&attach_mutex);
	drop_dead();
	if (closed)
		err = -ENODEV;
	else if (attachment_find(disk_devt(disk), disk_devt(child->bd_disk)))
		err = -EEXIST;
	else
		err = attachment_add(attachment, child, &parent);
	if (!err)
		attachment_log(attachment);
	mutex_unlock(&attach_mutex);
	kfree(parent);
	if (err) {
		kfree(attachment->account);
		kobject_put(&attachment->kobj);
	}
	return err;

free:
	if (attachment)
		kfree(attachment->account);
	kfree(parent);
	kfree(attachment);
	return err;
}

int attachment_make(dev_t parent, dev_t child)
{
	struct opened_bdev above, below;
	int err;

	err = opened_bdev_get(&above, parent);
	if (err)
		return err;
	err = opened_bdev_get(&below, child);
	if (!err) {
		err = attachment_open(above.bdev, below.bdev);
		opened_bdev_put(&below);
	}
	opened_bdev_put(&above);
	return err;
}

/* A partition stands for its disk, here as when it was attached. */
static dev_t disk_number(dev_t dev)
{
	struct opened_bdev opened;

	if (!opened_bdev_get(&opened, dev)) {
		dev = disk_devt(opened.bdev->bd_disk);
		opened_bdev_put(&opened);
	}
	return dev;
}

int attachment_remove(dev_t parent, dev_t child)
{
	struct attachment *attachment;

	parent = disk_number(parent);
	child = disk_number(child);
	mutex_lock(&attach_mutex);
	drop_dead();
	attachment = attachment_find(parent, child);
	if (attachment)
		attachment_drop(attachment);
	mutex_unlock(&attach_mutex);
	return attachment ? 0 : -ENOENT;
}

int attachments_init(void)
{
	int err;

	freeing = alloc_workqueue("dax_holder", WQ_UNBOUND, 0);
	if (!freeing)
		return -ENOMEM;
	err = class_init();
	if (err)
		destroy_workqueue(freeing);
	return err;
}

void attachments_exit(void)
{
	struct attachment *attachment, *next;

	mutex_lock(&attach_mutex);
	closed = true;
	list_for_each_entry_safe(attachment, next, &attachments, all_node)
		attachment_drop(attachment);
	mutex_unlock(&attach_mutex);
	/* Waits for those who would attach; they find it closed. */
	class_exit();
}

/* After the last callback of SRCU. */
void attachments_free(void)
{
	destroy_workqueue(freeing);
}
