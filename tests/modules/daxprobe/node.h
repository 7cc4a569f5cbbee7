/* SPDX-License-Identifier: GPL-2.0 */
/* The dax_devices that commands named. */
#ifndef DAXPROBE_NODE_H
#define DAXPROBE_NODE_H

#include <linux/dax.h>
#include <linux/kref.h>
#include <linux/types.h>

/* A dax_device that a command named. */
struct device_node {
	struct hlist_node by_dev;
	struct hlist_node by_dax;
	struct kref kref;
	dev_t dev;
	struct dax_device *dax_dev;
	bool held;
	int rc;
	unsigned int delay_ms;
};

struct device_node *node_find(dev_t dev);
struct device_node *node_find_dax(struct dax_device *dax_dev);
struct device_node *node_get(dev_t dev);
void node_put(struct device_node *node);

int node_hold(struct device_node *node, int rc);
void node_release(struct device_node *node);

void nodes_forget_free(void);
int nodes_init(void);
void nodes_exit(void);

#endif
