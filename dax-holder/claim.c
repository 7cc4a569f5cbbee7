// SPDX-License-Identifier: GPL-2.0
/*
 * Making and releasing claims: taking the children's holder slots, and filing
 * the ranges where the failure path finds them.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/export.h>
#include <linux/hashtable.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "exact.h"
#include "holder.h"

DEFINE_MUTEX(claims_mutex); /* those who make and release claims, see holder.h */
DEFINE_SPINLOCK(claims_lock); /* against the failure path, see holder.h */
DEFINE_SRCU(claims_srcu);
LIST_HEAD(parents);

static LIST_HEAD(slots);
static DEFINE_HASHTABLE(accounts, 10);
static u64 last_id;

/* A range on its way from the caller's array into the sorted one. */
struct seed {
	struct child *child;
	struct extent extent;
};

static void slot_free(struct rcu_head *rcu)
{
	kfree(container_of(rcu, struct slot, rcu));
}

static void parent_free(struct rcu_head *rcu)
{
	kfree(container_of(rcu, struct parent, rcu));
}

static void account_free(struct rcu_head *rcu)
{
	kfree(container_of(rcu, struct account, rcu));
}

static void claim_free(struct dax_holder_claim *claim)
{
	struct child *child, *next;

	list_for_each_entry_safe(child, next, &claim->children, node)
		kfree(child);
	kvfree(claim->runs);
	kvfree(claim->extents);
	kfree(claim);
}

static void claim_free_rcu(struct rcu_head *rcu)
{
	claim_free(container_of(rcu, struct dax_holder_claim, rcu));
}

/* The caller holds claims_mutex or claims_lock. */
struct slot *slot_find(struct dax_device *dax_dev)
{
	struct slot *slot;

	list_for_each_entry(slot, &slots, node)
		if (slot->dax_dev == dax_dev)
			return slot;
	return NULL;
}

/*
 * Take a share of the slot of the child's dax_device; @spare becomes the slot
 * if there is none.  fs_dax_get_by_bdev() leaks a reference when somebody else
 * is the holder, so that is looked at before.
 */
int slot_get(struct block_device *bdev, struct slot *spare, struct slot **found,
	     u64 *start_bytes, char **error)
{
	struct dax_device *dax_dev;
	struct slot *slot;

	dax_dev = fs_dax_get_by_bdev(bdev, start_bytes, NULL, NULL);
	if (!dax_dev) {
		pr_err("%pg: no DAX here; give an fsdax namespace or a partition of one on page boundaries\n",
		       bdev);
		*error = "A child has no DAX";
		return -EOPNOTSUPP;
	}

	slot = slot_find(dax_dev);
	if (slot) {
		put_dax(dax_dev);
	} else {
		slot = spare;
		slot->runs = RB_ROOT_CACHED;
		INIT_LIST_HEAD(&slot->attachments);
		slot->dax_dev = dax_dev;
		strscpy(slot->name, bdev->bd_disk->disk_name, sizeof(slot->name));
		/* A failure that comes before the slot is listed finds no claim anyway. */
		if (dax_holder(dax_dev) ||
		    !fs_dax_get_by_bdev(bdev, start_bytes, slot, &slot_ops)) {
			put_dax(dax_dev);
			pr_err("%pg: %s has another holder; unmount the filesystem that is on it directly, or on one of its partitions\n",
			       bdev, slot->name);
			*error = "A child is held by somebody else";
			return -EBUSY;
		}
		put_dax(dax_dev);
		spin_lock(&claims_lock);
		list_add_tail(&slot->node, &slots);
		spin_unlock(&claims_lock);
	}
	slot->users++;
	*found = slot;
	return 0;
}

void slot_put(struct slot *slot)
{
	if (--slot->users)
		return;
	spin_lock(&claims_lock);
	list_del(&slot->node);
	spin_unlock(&claims_lock);
	fs_put_dax(slot->dax_dev, slot);
	call_srcu(&claims_srcu, &slot->rcu, slot_free);
}

/*
 * A parent that is let go and made anew while a failure is on its way, because its
 * table was wiped, keeps its id and its place among the others: the failure that
 * has passed it does not come to it again.
 */
struct parent *parent_get(struct gendisk *disk, struct parent *spare)
{
	struct parent *parent;

	list_for_each_entry(parent, &parents, node) {
		if (parent->disk == disk) {
			kfree(spare);
			parent->users++;
			return parent;
		}
		if (parent->id > disk->diskseq)
			break;
	}

	INIT_LIST_HEAD(&spare->claims);
	INIT_LIST_HEAD(&spare->attachments);
	spare->disk = disk;
	spare->id = disk->diskseq;
	spare->users = 1;
	strscpy(spare->name, disk->disk_name, sizeof(spare->name));
	list_add_tail_rcu(&spare->node, &parent->node);
	return spare;
}

void parent_put(struct parent *parent)
{
	if (--parent->users)
		return;
	list_del_rcu(&parent->node);
	/*
	 * A failure in flight may go on using the dax_device: the parent's
	 * owner kills it before it goes, which waits for failures in flight.
	 * An attachment, which may outlive the owner, has a reference of its own.
	 */
	put_dax(parent->dax_dev);
	call_srcu(&claims_srcu, &parent->rcu, parent_free);
}

/*
 * A parent shows its dax_device only once it has a table with DAX, which the
 * first claim on it precedes.  The caller holds claims_lock, and knows that the
 * disk is still there: a claim that is not released sees to that.
 */
struct dax_device *parent_dax(struct parent *parent)
{
	u64 start;

	lockdep_assert_held(&claims_lock);
	if (!parent->dax_dev)
		parent->dax_dev = fs_dax_get_by_bdev(parent->disk->part0, &start, NULL, NULL);
	return parent->dax_dev;
}

struct account *account_new(void)
{
	struct account *account = kzalloc(sizeof(*account), GFP_KERNEL);

	if (account) {
		INIT_LIST_HEAD(&account->claims);
		account->users = 1;
		atomic64_set(&account->last_bytes, U64_MAX);
	}
	return account;
}

static unsigned long account_key(struct parent *parent, u64 parent_bytes)
{
	return (unsigned long)parent ^ (unsigned long)(parent_bytes >> PAGE_SHIFT);
}

struct account *account_get(struct parent *parent, u64 parent_bytes,
			    struct account *spare)
{
	unsigned long key = account_key(parent, parent_bytes);
	struct account *account;

	hash_for_each_possible(accounts, account, node, key)
		if (account->parent == parent && account->parent_bytes == parent_bytes) {
			kfree(spare);
			account->users++;
			return account;
		}

	spare->parent = parent;
	spare->parent_bytes = parent_bytes;
	hash_add(accounts, &spare->node, key);
	return spare;
}

void account_put(struct account *account)
{
	if (--account->users)
		return;
	/* An attachment's is not in there. */
	hash_del(&account->node);
	call_srcu(&claims_srcu, &account->rcu, account_free);
}

static struct child *claim_child(struct dax_holder_claim *claim,
				 struct block_device *bdev)
{
	struct child *child;

	list_for_each_entry(child, &claim->children, node)
		if (child->bdev == bdev)
			return child;

	child = kzalloc(sizeof(*child), GFP_KERNEL);
	if (child) {
		child->bdev = bdev;
		list_add_tail(&child->node, &claim->children);
	}
	return child;
}

static void claim_put_slots(struct dax_holder_claim *claim)
{
	struct child *child;

	list_for_each_entry(child, &claim->children, node)
		if (child->slot)
			slot_put(child->slot);
}

static int claim_get_slots(struct dax_holder_claim *claim, char **error)
{
	struct child *child;
	struct slot *spare;
	int err = 0;

	list_for_each_entry(child, &claim->children, node) {
		spare = kzalloc(sizeof(*spare), GFP_KERNEL);
		if (!spare) {
			err = -ENOMEM;
			break;
		}
		mutex_lock(&claims_mutex);
		err = slot_get(child->bdev, spare, &child->slot,
			       &child->start_bytes, error);
		mutex_unlock(&claims_mutex);
		if (child->slot != spare)
			kfree(spare);
		if (err)
			break;
	}
	if (err) {
		mutex_lock(&claims_mutex);
		claim_put_slots(claim);
		mutex_unlock(&claims_mutex);
	}
	return err;
}

static int seed_cmp(const void *a, const void *b)
{
	const struct seed *x = a, *y = b;

	if (x->child->slot != y->child->slot)
		return x->child->slot < y->child->slot ? -1 : 1;
	if (x->extent.child_bytes != y->extent.child_bytes)
		return x->extent.child_bytes < y->extent.child_bytes ? -1 : 1;
	return 0;
}

static bool seeds_sorted(const struct seed *seeds, unsigned int nr)
{
	unsigned int i;

	for (i = 1; i < nr; i++)
		if (seed_cmp(&seeds[i - 1], &seeds[i]) > 0)
			return false;
	return true;
}

/* One pass counts the runs, with @claim->runs NULL; the next fills them in. */
static void claim_cut_runs(struct dax_holder_claim *claim, const struct seed *seeds)
{
	unsigned int i, take, same;
	struct run *run;
	u64 last;

	claim->nr_runs = 0;
	for (i = 0; i < claim->nr_extents; i += take) {
		struct slot *slot = seeds[i].child->slot;

		for (same = 1; i + same < claim->nr_extents && same < EXTENT_RUN_MAX; same++)
			if (seeds[i + same].child->slot != slot)
				break;
		take = extent_run(&claim->extents[i], same, &last);
		if (claim->runs) {
			run = &claim->runs[claim->nr_runs];
			run->first = claim->extents[i].child_bytes;
			run->last = last;
			run->claim = claim;
			run->slot = slot;
			run->extent = i;
			run->nr_extents = take;
		}
		claim->nr_runs++;
	}
}

/* Sort the ranges by child and place, and cut them into runs. */
static int claim_sort(struct dax_holder_claim *claim, struct seed *seeds)
{
	unsigned int i;

	for (i = 0; i < claim->nr_extents; i++)
		seeds[i].extent.child_bytes += seeds[i].child->start_bytes;
	if (!seeds_sorted(seeds, claim->nr_extents))
		sort(seeds, claim->nr_extents, sizeof(*seeds), seed_cmp, NULL);
	for (i = 0; i < claim->nr_extents; i++)
		claim->extents[i] = seeds[i].extent;

	claim_cut_runs(claim, seeds);
	claim->runs = exact_alloc(array_size(claim->nr_runs, sizeof(*claim->runs)));
	if (!claim->runs)
		return -ENOMEM;
	claim_cut_runs(claim, seeds);
	return 0;
}

/*
 * The kernel never takes back a mapped device's promise of synchronous faults,
 * not even when its memory goes to a new one.
 */
static int claim_check_sync(const struct dax_holder_claim *claim)
{
	struct dax_device *dax_dev;
	struct child *child;

	spin_lock(&claims_lock);
	dax_dev = parent_dax(claim->parent);
	spin_unlock(&claims_lock);
	if (!dax_dev || !dax_synchronous(dax_dev))
		return 0;
	list_for_each_entry(child, &claim->children, node)
		if (!dax_synchronous(child->slot->dax_dev)) {
			pr_err("%s promises synchronous faults (MAP_SYNC), %pg has none; use a new mapped device for it, created when no other is being removed\n",
			       claim->parent->name, child->bdev);
			return -EXDEV;
		}
	return 0;
}

/* File the claim under its parent and its ranges under their children. */
static int claim_publish(struct dax_holder_claim *claim, struct gendisk *disk,
			 u64 parent_bytes, unsigned int flags,
			 struct parent *parent, struct account *account, char **error)
{
	unsigned int i;
	int err;

	claim->parent = parent_get(disk, parent);
	err = guard_loop(claim);
	if (err) {
		*error = "A child is stacked on the device itself";
		goto put_parent;
	}
	err = claim_check_sync(claim);
	if (err) {
		*error = "A child without synchronous faults under a parent that has them";
		goto put_parent;
	}
	if (!(flags & DAX_HOLDER_ALLOW_MOVE)) {
		err = guard_move(claim);
		if (err) {
			*error = "The device is in use and would be moved";
			goto put_parent;
		}
	}

	claim->account = account_get(claim->parent, parent_bytes, account);
	claim->id = ++last_id;

	spin_lock(&claims_lock);
	for (i = 0; i < claim->nr_runs; i++)
		run_insert(&claim->runs[i], &claim->runs[i].slot->runs);
	list_add_tail_rcu(&claim->node, &claim->parent->claims);
	list_add_tail(&claim->account_node, &claim->account->claims);
	spin_unlock(&claims_lock);
	return 0;

put_parent:
	kfree(account);
	parent_put(claim->parent);
	return err;
}

struct dax_holder_claim *
dax_holder_claim(struct gendisk *disk, const struct dax_holder_range *ranges,
		 unsigned int nr_ranges, unsigned int flags,
		 struct work_struct *event, char **error)
{
	struct dax_holder_claim *claim;
	struct account *account;
	struct parent *parent;
	struct child *child = NULL;
	struct seed *seeds;
	unsigned int i;
	int err = -ENOMEM;

	*error = "Cannot allocate the claim on the children";
	claim = kzalloc(sizeof(*claim), GFP_KERNEL);
	if (!claim)
		return ERR_PTR(-ENOMEM);
	INIT_LIST_HEAD(&claim->children);
	claim->event = event;
	claim->nr_extents = nr_ranges;
	claim->extents = exact_alloc(array_size(nr_ranges, sizeof(*claim->extents)));
	seeds = kvmalloc_array(nr_ranges, sizeof(*seeds), GFP_KERNEL);
	parent = kzalloc(sizeof(*parent), GFP_KERNEL);
	account = account_new();
	if (!claim->extents || !seeds || !parent || !account)
		goto free;

	for (i = 0; i < nr_ranges; i++) {
		if (!child || child->bdev != ranges[i].bdev)
			child = claim_child(claim, ranges[i].bdev);
		if (!child)
			goto free;
		seeds[i].child = child;
		seeds[i].extent.child_bytes = ranges[i].start_bytes;
		seeds[i].extent.parent_bytes = ranges[i].parent_bytes;
		seeds[i].extent.len_bytes = ranges[i].len_bytes;
	}

	err = claim_get_slots(claim, error);
	if (err)
		goto free;
	err = claim_sort(claim, seeds);
	if (err) {
		mutex_lock(&claims_mutex);
		goto put_slots;
	}

	mutex_lock(&claims_mutex);
	err = claim_publish(claim, disk, ranges[0].parent_bytes, flags,
			    parent, account, error);
	parent = NULL;
	account = NULL;
	if (err)
		goto put_slots;
	mutex_unlock(&claims_mutex);
	kvfree(seeds);
	return claim;

put_slots:
	claim_put_slots(claim);
	mutex_unlock(&claims_mutex);
free:
	kfree(account);
	kfree(parent);
	kvfree(seeds);
	claim_free(claim);
	return ERR_PTR(err);
}
EXPORT_SYMBOL_GPL(dax_holder_claim);

int dax_holder_resume(struct dax_holder_claim *claim)
{
	return claim_check_sync(claim);
}
EXPORT_SYMBOL_GPL(dax_holder_resume);

void dax_holder_release(struct dax_holder_claim *claim)
{
	unsigned int i;

	mutex_lock(&claims_mutex);
	spin_lock(&claims_lock);
	for (i = 0; i < claim->nr_runs; i++)
		run_remove(&claim->runs[i], &claim->runs[i].slot->runs);
	list_del_rcu(&claim->node);
	/* From here on nobody schedules the caller's event. */
	list_del(&claim->account_node);
	spin_unlock(&claims_lock);

	account_put(claim->account);
	parent_put(claim->parent);
	claim_put_slots(claim);
	mutex_unlock(&claims_mutex);
	call_srcu(&claims_srcu, &claim->rcu, claim_free_rcu);
}
EXPORT_SYMBOL_GPL(dax_holder_release);

void dax_holder_count(const struct dax_holder_claim *claim,
		      struct dax_holder_counts *counts)
{
	const struct account *account = claim->account;
	const struct child *child;

	memset(counts, 0, sizeof(*counts));
	/* Handled first: what comes in meanwhile must not make the rest negative. */
	counts->handled = atomic64_read(&account->handled);
	counts->forwarded = atomic64_read(&account->forwarded);
	counts->received = atomic64_read(&account->received);
	counts->generic = counts->received - counts->handled;
	counts->last_bytes = atomic64_read(&account->last_bytes);
	list_for_each_entry(child, &claim->children, node) {
		if (READ_ONCE(child->slot->gone))
			counts->children_gone++;
		else
			counts->children_alive++;
	}
}
EXPORT_SYMBOL_GPL(dax_holder_count);
