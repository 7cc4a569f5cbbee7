// SPDX-License-Identifier: GPL-2.0
/*
 * Attach and detach parents that declare no ranges.
 *
 * The kernel sends no notification when such a parent or its child is removed.  A dead
 * attachment maps no page; the next write to attach or detach drops it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/slab.h>

#include "attach.h"
#include "attachment.h"
#include "bdev.h"
#include "guard.h"
#include "live.h"
#include "records.h"
#include "sysfs.h"

static DEFINE_MUTEX(attach_mutex); /* see device.h */
static LIST_HEAD(attachments);

static void attachment_release(struct kobject *kobj)
{
	kfree(to_attachment(kobj));
}

static struct kobj_type attachment_type = {
	.release = attachment_release,
	.sysfs_ops = &kobj_sysfs_ops,
	.default_groups = dxh_attachment_groups,
};

static void attachment_free_rcu(struct rcu_head *rcu)
{
	kobject_put(&container_of(rcu, struct dxh_attachment, rcu)->kobj);
}

/* The caller holds attach_mutex. */
static void attachment_drop(struct dxh_attachment *attachment)
{
	/* Waits for readers of the attributes.  They take no lock that is held here. */
	kobject_del(&attachment->kobj);
	list_del(&attachment->all_node);

	mutex_lock(&dxh_claims_mutex);
	dxh_device_remove(&attachment->node);
	dxh_stats_put(attachment->stats);
	mutex_unlock(&dxh_claims_mutex);

	dxh_dir_put(attachment->child);
	dxh_device_leave(attachment->child);
	dxh_device_put(attachment->child);
	dxh_device_put(attachment->parent);
	call_srcu(&dxh_claims_srcu, &attachment->rcu, attachment_free_rcu);
}

static void drop_dead(void)
{
	struct dxh_attachment *attachment, *next;

	list_for_each_entry_safe(attachment, next, &attachments, all_node)
		if (!dxh_alive(attachment->parent) || !dxh_alive(attachment->child))
			attachment_drop(attachment);
}

/* Look up by device number: the devices themselves may be gone. */
static struct dxh_attachment *attachment_find(dev_t parent, dev_t child)
{
	struct dxh_attachment *attachment;

	list_for_each_entry(attachment, &attachments, all_node)
		if (disk_devt(attachment->parent->disk) == parent &&
		    disk_devt(attachment->child->disk) == child)
			return attachment;
	return NULL;
}

/* Make the attachment visible to failures, unless it would close a loop. */
static int attachment_publish(struct dxh_attachment *attachment)
{
	int err = 0;

	mutex_lock(&dxh_claims_mutex);
	if (dxh_stacked_on(attachment->child, attachment->parent)) {
		pr_err("%s is stacked on %s itself; give the device that is below\n",
		       attachment->child->name, attachment->parent->name);
		err = -ELOOP;
	} else {
		dxh_device_add(&attachment->node, &attachment->parent->attachments);
	}
	mutex_unlock(&dxh_claims_mutex);
	return err;
}

/* The caller holds attach_mutex. */
static int attachment_add(struct dxh_attachment *attachment, struct block_device *child)
{
	char *error;
	u64 start;
	int err;

	err = dxh_device_hold(attachment->child, child, &start, &error);
	if (err)
		return err;
	err = dxh_record_hold(attachment->child) ?: dxh_dir_get(attachment->child);
	if (err)
		goto leave;
	err = kobject_add(&attachment->kobj, &attachment->child->dir->kobj, "%s",
			  attachment->parent->name);
	if (err)
		goto put_dir;
	err = attachment_publish(attachment);
	if (!err) {
		list_add_tail(&attachment->all_node, &attachments);
		return 0;
	}
	kobject_del(&attachment->kobj);
put_dir:
	dxh_dir_put(attachment->child);
leave:
	dxh_device_leave(attachment->child);
	return err;
}

/*
 * Attaching does not keep the kernel's copy-on-write from running past the end of a piece of
 * memory, so warn about a parent in pieces.
 */
static void attachment_log(const struct dxh_attachment *attachment)
{
	pr_info("%s is attached to %s%s\n", attachment->parent->name, attachment->child->name,
		dxh_maps_one_run(attachment->parent) ? "" :
		"; it is in pieces, and copy-on-write may mix data where they meet");
}

/* Free an attachment that was never published and may be only partly set up. */
static void attachment_undo(struct dxh_attachment *attachment)
{
	kfree(attachment->stats);
	if (attachment->child)
		dxh_device_put(attachment->child);
	if (attachment->parent)
		dxh_device_put(attachment->parent);
	kobject_put(&attachment->kobj);
}

static int attach_disks(struct gendisk *parent, struct block_device *child)
{
	struct dxh_attachment *attachment;
	int err = -ENOMEM;

	if (!dxh_is_mapped(parent)) {
		pr_err("%s is no mapped device; give one that is, with the device below it\n",
		       parent->disk_name);
		return -EINVAL;
	}
	attachment = kzalloc(sizeof(*attachment), GFP_KERNEL);
	if (!attachment)
		return -ENOMEM;
	kobject_init(&attachment->kobj, &attachment_type);
	attachment->parent = dxh_device_get(parent);
	attachment->child = dxh_device_get(child->bd_disk);
	attachment->stats = dxh_stats_new(attachment->parent, 0);
	if (!attachment->parent || !attachment->child || !attachment->stats)
		goto undo;
	if (!dxh_device_dax(attachment->parent)) {
		pr_err("%s: no DAX here; give a mapped device all of whose targets have it\n",
		       parent->disk_name);
		err = -EOPNOTSUPP;
		goto undo;
	}

	mutex_lock(&attach_mutex);
	drop_dead();
	if (attachment_find(disk_devt(parent), disk_devt(child->bd_disk)))
		err = -EEXIST;
	else
		err = attachment_add(attachment, child);
	if (!err)
		attachment_log(attachment);
	mutex_unlock(&attach_mutex);
	if (!err)
		return 0;
undo:
	attachment_undo(attachment);
	return err;
}

int dxh_attach(dev_t parent, dev_t child)
{
	struct block_device *above, *below;
	int err;

	above = dxh_bdev_get(parent);
	if (IS_ERR(above))
		return PTR_ERR(above);
	below = dxh_bdev_get(child);
	err = PTR_ERR_OR_ZERO(below);
	if (!err) {
		err = attach_disks(above->bd_disk, below);
		dxh_bdev_put(below);
	}
	dxh_bdev_put(above);
	return err;
}

/* A partition stands for its disk, as in dxh_attach(). */
static dev_t disk_number(dev_t dev)
{
	struct block_device *bdev = dxh_bdev_get(dev);

	if (!IS_ERR(bdev)) {
		dev = disk_devt(bdev->bd_disk);
		dxh_bdev_put(bdev);
	}
	return dev;
}

int dxh_detach(dev_t parent, dev_t child)
{
	struct dxh_attachment *attachment;

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

/* Drop all attachments. */
void dxh_detach_all(void)
{
	struct dxh_attachment *attachment, *next;

	mutex_lock(&attach_mutex);
	list_for_each_entry_safe(attachment, next, &attachments, all_node)
		attachment_drop(attachment);
	mutex_unlock(&attach_mutex);
}
