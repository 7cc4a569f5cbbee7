/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of dax_holder share.
 *
 * attach_mutex, the outermost, orders those who attach and detach.
 *
 * claims_mutex orders those who make and release claims.  Nothing is allocated
 * and no failure is waited for while it is held: memory reclaim, or a parent's
 * handler, may wait for a suspended device whose resume needs a claim.
 *
 * claims_lock, a spinlock, guards what the failure path reads: the list of
 * slots, their trees and attachments, the list of an account's claims.  It is
 * dropped before a parent's handler is called.
 *
 * claims_srcu keeps slots, parents, accounts and claims readable for a failure
 * in flight after they were taken off their lists; nobody but module exit waits
 * for it.
 */
#ifndef DAX_HOLDER_HOLDER_H
#define DAX_HOLDER_HOLDER_H

#include <linux/blkdev.h>
#include <linux/dax.h>
#include <linux/kobject.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/pfn_t.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/workqueue.h>

#include "dax_holder.h"
#include "extent.h"

extern struct mutex attach_mutex;
extern struct mutex claims_mutex;
extern spinlock_t claims_lock;
extern struct srcu_struct claims_srcu;
extern struct list_head parents; /* by id */

/* A child's dax_device, whose holder we are. */
struct slot {
	struct list_head node;
	struct dax_device *dax_dev;
	struct rb_root_cached runs;
	struct list_head attachments;
	struct device *dir;		/* in sysfs, while there are attachments; */
	unsigned int dir_users;		/* under attach_mutex */
	unsigned int users;
	bool gone;
	char name[DISK_NAME_LEN];
	struct rcu_head rcu;
};

/* A mapped device, known by its disk; for its dax_device see parent_dax(). */
struct parent {
	struct list_head node;
	struct list_head claims;
	struct list_head attachments;
	struct gendisk *disk;
	struct dax_device *dax_dev;
	u64 id;			/* the disk's for all its life, and no other disk's */
	unsigned int users;
	char name[DISK_NAME_LEN];
	struct rcu_head rcu;
};

/* What the claims that succeed each other on one place of a parent share. */
struct account {
	struct hlist_node node;
	struct list_head claims;
	struct parent *parent;
	u64 parent_bytes;
	unsigned int users;
	atomic64_t received;
	atomic64_t forwarded;
	atomic64_t handled;
	atomic64_t last_bytes;
	struct rcu_head rcu;
};

/* A block device of a claim. */
struct child {
	struct list_head node;
	struct block_device *bdev;
	u64 start_bytes;	/* of bdev in its dax_device */
	struct slot *slot;
};

/* A node of a child's interval tree: a few ranges of one claim, see extent_run(). */
struct run {
	struct rb_node rb;
	u64 first;
	u64 last;
	u64 subtree_last;
	struct dax_holder_claim *claim;
	struct slot *slot;
	unsigned int extent;
	unsigned int nr_extents;
};

struct dax_holder_claim {
	struct list_head node;		/* in parent->claims */
	struct list_head account_node;
	struct list_head children;
	struct parent *parent;
	struct account *account;
	struct work_struct *event;
	u64 id;
	unsigned int nr_extents;
	unsigned int nr_runs;
	struct extent *extents;		/* by slot, then by place in the child */
	struct run *runs;
	struct rcu_head rcu;
};

/*
 * A parent that brings no ranges: on a failure of the child its live mapping is
 * searched for the page.  It may go away at any time.
 */
struct attachment {
	struct kobject kobj;		/* the parent's directory in the child's */
	struct list_head all_node;
	struct list_head node;		/* in slot->attachments */
	struct list_head parent_node;	/* in parent->attachments */
	struct slot *slot;
	struct parent *parent;
	struct account *account;
	struct dax_device *dax_dev;	/* the parent's */
	struct gendisk *child_disk;	/* both disks' memory stays for us, not more */
	struct gendisk *disk;
	struct rcu_head rcu;
	struct work_struct free;	/* what rcu must not do itself */
};

/* A search for the places where a parent maps a part of a child's memory. */
struct dax_search {
	struct dax_device *child;
	struct dax_device *parent;
	const struct gendisk *disk;	/* the parent's */
	u64 child_bytes;		/* what of the child is left to look for */
	u64 child_end;
	u64 parent_bytes;		/* where to look next; 0 to begin with */
	u64 parent_end;
	u64 child_len;			/* of the stretch at child_bytes, */
	u64 pfn;			/* which is at this page frame */
	u64 hit_child;			/* found */
	u64 hit_parent;
	u64 hit_len;
};

extern const struct dax_holder_operations slot_ops;

void run_insert(struct run *run, struct rb_root_cached *root);
void run_remove(struct run *run, struct rb_root_cached *root);
struct slot *slot_find(struct dax_device *dax_dev);
struct dax_device *parent_dax(struct parent *parent);
int slot_get(struct block_device *bdev, struct slot *spare, struct slot **slot,
	     u64 *start_bytes, char **error);
void slot_put(struct slot *slot);
struct parent *parent_get(struct gendisk *disk, struct parent *spare);
void parent_put(struct parent *parent);
struct account *account_get(struct parent *parent, u64 parent_bytes,
			    struct account *spare);
void account_put(struct account *account);
struct account *account_new(void);
bool maps_one_run(struct gendisk *disk, struct dax_device *dax_dev);
bool parent_maps(const struct parent *parent, u64 bytes);
u64 child_end(const struct attachment *attachment);
bool dax_search(struct dax_search *s);
struct dax_search attachment_search(const struct attachment *attachment,
				    u64 first, u64 last);
bool parent_has_page(const struct parent *parent, u64 parent_bytes,
		     struct dax_device *child, u64 child_bytes, u64 *len_bytes);
bool disk_stacked_on(const struct gendisk *disk, const struct gendisk *below);
int guard_loop(const struct dax_holder_claim *claim);
int guard_move(const struct dax_holder_claim *claim);

#endif
