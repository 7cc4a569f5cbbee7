// SPDX-License-Identifier: GPL-2.0
#include <linux/blkdev.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/hashtable.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "holder.h"
#include "node.h"

/* Serializes look-ups of new devices, holding and releasing. */
static DEFINE_MUTEX(nodes_mutex);
/* Protects the hash tables; never held across a call out of this module. */
static DEFINE_SPINLOCK(nodes_lock);
static DEFINE_HASHTABLE(nodes_by_dev, 10);
static DEFINE_HASHTABLE(nodes_by_dax, 10);

static struct dax_device *dummy;

static void node_free(struct kref *kref)
{
	struct device_node *node = container_of(kref, struct device_node, kref);

	put_dax(node->dax_dev);
	kfree(node);
}

void node_put(struct device_node *node)
{
	kref_put(&node->kref, node_free);
}

/* The slot may be empty by now, or have another holder. */
struct device_node *node_find_dax(struct dax_device *dax_dev)
{
	struct device_node *node, *found = NULL;

	spin_lock(&nodes_lock);
	hash_for_each_possible(nodes_by_dax, node, by_dax, (unsigned long)dax_dev)
		if (node->dax_dev == dax_dev) {
			found = node;
			kref_get(&found->kref);
			break;
		}
	spin_unlock(&nodes_lock);
	return found;
}

struct device_node *node_find(dev_t dev)
{
	struct device_node *node, *found = NULL;

	spin_lock(&nodes_lock);
	hash_for_each_possible(nodes_by_dev, node, by_dev, dev)
		if (node->dev == dev) {
			found = node;
			kref_get(&found->kref);
			break;
		}
	spin_unlock(&nodes_lock);
	return found;
}

static bool node_alive(const struct device_node *node)
{
	bool alive;
	int id;

	id = dax_read_lock();
	alive = dax_alive(node->dax_dev);
	dax_read_unlock(id);
	return alive;
}

/* The caller holds nodes_mutex and a reference. */
static void leave(struct device_node *node)
{
	if (!node->held)
		return;
	node->held = false;
	fs_put_dax(node->dax_dev, node);
}

/* The caller holds nodes_mutex and a reference. */
static void node_forget(struct device_node *node)
{
	leave(node);
	spin_lock(&nodes_lock);
	hash_del(&node->by_dev);
	hash_del(&node->by_dax);
	spin_unlock(&nodes_lock);
	node_put(node);
}

/* Opened by name, because the way to open by number has changed several times. */
static struct file *device_open(dev_t dev)
{
	char path[40];

	snprintf(path, sizeof(path), "/dev/block/%u:%u", MAJOR(dev), MINOR(dev));
	return filp_open(path, O_RDONLY | O_LARGEFILE, 0);
}

static struct block_device *file_device(struct file *file)
{
	return I_BDEV(file->f_mapping->host);
}

static int node_add(dev_t dev)
{
	struct device_node *node;
	struct file *file;
	u64 start;

	node = kzalloc(sizeof(*node), GFP_KERNEL);
	if (!node)
		return -ENOMEM;
	file = device_open(dev);
	if (IS_ERR(file)) {
		kfree(node);
		return PTR_ERR(file);
	}
	node->dax_dev = fs_dax_get_by_bdev(file_device(file), &start, NULL, NULL);
	filp_close(file, NULL);
	if (!node->dax_dev) {
		kfree(node);
		return -EOPNOTSUPP;
	}
	kref_init(&node->kref);
	node->dev = dev;

	spin_lock(&nodes_lock);
	hash_add(nodes_by_dev, &node->by_dev, dev);
	hash_add(nodes_by_dax, &node->by_dax, (unsigned long)node->dax_dev);
	spin_unlock(&nodes_lock);
	return 0;
}

/*
 * Get the device of that number.  It is looked up again if the device of that number is gone.
 * The caller puts the reference.
 */
struct device_node *node_get(dev_t dev)
{
	struct device_node *node = node_find(dev);
	int err = 0;

	if (node && node_alive(node))
		return node;
	if (node)
		node_put(node);

	mutex_lock(&nodes_mutex);
	node = node_find(dev);
	if (node && !node_alive(node)) {
		node_forget(node);
		node_put(node);
		node = NULL;
	}
	if (!node) {
		err = node_add(dev);
		if (!err)
			node = node_find(dev);
	}
	mutex_unlock(&nodes_mutex);
	return err ? ERR_PTR(err) : node;
}

static int take_slot(struct device_node *node)
{
	struct file *file;
	int err = -EBUSY;
	u64 start;

	/* Checked first: the kernel leaks a reference each time it refuses a second holder. */
	if (dax_holder(node->dax_dev))
		return -EBUSY;
	file = device_open(node->dev);
	if (IS_ERR(file))
		return PTR_ERR(file);
	if (fs_dax_get_by_bdev(file_device(file), &start, node, &probe_ops)) {
		node->held = true;
		err = 0;
	}
	filp_close(file, NULL);
	return err;
}

/* Take the slot, and return @rc for failures. */
int node_hold(struct device_node *node, int rc)
{
	int err;

	mutex_lock(&nodes_mutex);
	if (!node->held) {
		WRITE_ONCE(node->rc, rc);
		WRITE_ONCE(node->delay_ms, 0);
	}
	err = take_slot(node);
	mutex_unlock(&nodes_mutex);
	return err;
}

void node_release(struct device_node *node)
{
	mutex_lock(&nodes_mutex);
	leave(node);
	mutex_unlock(&nodes_mutex);
}

/* Drop the devices that are not held. */
void nodes_forget_free(void)
{
	struct device_node *node;
	struct hlist_node *next;
	int bucket;

	/* Under the mutex only this function takes nodes off the lists. */
	mutex_lock(&nodes_mutex);
	hash_for_each_safe(nodes_by_dev, bucket, next, node, by_dev)
		if (!node->held)
			node_forget(node);
	mutex_unlock(&nodes_mutex);
}

int nodes_init(void)
{
	dummy = alloc_dax(NULL, NULL);
	if (IS_ERR_OR_NULL(dummy))
		return dummy ? PTR_ERR(dummy) : -EOPNOTSUPP;
	return 0;
}

/*
 * Leave the slots, wait until no failure is in code of this module, and only then drop what such
 * a failure looks devices up in.
 */
void nodes_exit(void)
{
	struct device_node *node;
	struct hlist_node *next;
	int bucket;

	mutex_lock(&nodes_mutex);
	hash_for_each(nodes_by_dev, bucket, node, by_dev)
		leave(node);
	/* This waits for them. */
	kill_dax(dummy);
	hash_for_each_safe(nodes_by_dev, bucket, next, node, by_dev)
		node_forget(node);
	mutex_unlock(&nodes_mutex);
	put_dax(dummy);
}
