/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAX_HOLDER_ATTACHMENT_H
#define DAX_HOLDER_ATTACHMENT_H

#include <linux/kobject.h>

#include "device.h"
#include "stats.h"

/*
 * A parent that declares no ranges, and a child.  When a page of the child fails, all of the
 * parent's live mapping is searched for it.  Either device may be removed at any time; the
 * attachment is dead then.
 */
struct dxh_attachment {
	struct kobject kobj;		/* the parent's directory in the child's */
	struct list_head all_node;
	struct list_head node;		/* in parent->attachments */
	struct dxh_device *parent;
	struct dxh_device *child;
	struct dxh_stats *stats;
	struct rcu_head rcu;
};

static inline struct dxh_attachment *to_attachment(struct kobject *kobj)
{
	return container_of(kobj, struct dxh_attachment, kobj);
}

#endif
