/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAX_HOLDER_CLAIM_H
#define DAX_HOLDER_CLAIM_H

#include "dax_holder.h"
#include "device.h"
#include "extent.h"
#include "stats.h"

/* A block device of a claim: a whole disk or a partition. */
struct dxh_child {
	struct list_head node;
	struct block_device *bdev;
	u64 start_bytes;		/* of bdev in its dax_device */
	struct dxh_device *device;
};

/* One target's ranges, from dax_holder_claim() to dax_holder_release(). */
struct dax_holder_claim {
	struct list_head node;		/* in parent->claims */
	struct list_head children;	/* struct dxh_child */
	struct dxh_device *parent;
	struct dxh_stats *stats;
	struct dxh_event event;
	struct rcu_head rcu;
	unsigned int nr_extents;
	struct dxh_extent extents[];	/* one more than nr_extents */
};

#endif
