/* SPDX-License-Identifier: GPL-2.0 */
/*
 * dax_holder: share the holder slot of a dax_device among the devices stacked on it.
 *
 * A dax_device has one holder, which the kernel notifies when its memory fails.  A stacking
 * driver that maps parts of several children into one parent claims those parts here.  When a
 * page of a child fails, dax_holder notifies the holder of each parent whose live mapping
 * contains the page, at the parent's own offset and in the context of the failure.
 */
#ifndef DAX_HOLDER_H
#define DAX_HOLDER_H

#include <linux/bits.h>
#include <linux/types.h>

struct block_device;
struct dax_device;
struct dax_holder_claim;
struct gendisk;
struct work_struct;

/**
 * struct dax_holder_range - a contiguous part of a child that is mapped into a parent
 * @bdev: The child, a whole device or a partition.  The caller keeps it open until the claim
 *	is released.
 * @start_bytes: Start of the range in @bdev, in bytes; a multiple of the page size.
 * @len_bytes: Length in bytes; a multiple of the page size, and not 0.
 *
 * The caller has checked that the range lies within @bdev and that no sum of these numbers
 * overflows.  Ranges may overlap in the child.
 */
struct dax_holder_range {
	struct block_device *bdev;
	u64 start_bytes;
	u64 len_bytes;
};

/* Set *@range to range @i of the caller's @table. */
typedef void (*dax_holder_range_fn)(const void *table, unsigned int i,
				    struct dax_holder_range *range);

/**
 * struct dax_holder_counts - counters of a claim
 * @received: Failures of pages that the live mapping contains in the claim's ranges.
 * @forwarded: Those of @received that a holder of the parent was notified of.
 * @handled: Those of @forwarded that the holder handled, by killing processes or by shutting
 *	down.
 * @generic: Those of @received that were left to the kernel's generic handling.  What is
 *	neither in @handled nor in @generic was answered with an error.
 * @last_bytes: Offset of the last failure in the parent, in bytes; U64_MAX if there was none.
 * @children_alive: Distinct block devices of the claim that are present.
 * @children_gone: Distinct block devices of the claim that have gone away.
 *
 * All but the last two are shared with the claims before and after this one that start at the
 * same offset of the same parent.  So they outlive a reload of the parent's table.
 */
struct dax_holder_counts {
	u64 received;
	u64 forwarded;
	u64 handled;
	u64 generic;
	u64 last_bytes;
	unsigned int children_alive;
	unsigned int children_gone;
};

/* Allow the claim to move what a parent in use, by a mounted filesystem say, maps now. */
#define DAX_HOLDER_ALLOW_MOVE	BIT(0)

/**
 * dax_holder_claim() - claim ranges of children for a parent
 * @parent: Disk of the parent.  No reference is taken: release the claim before the disk's
 *	dax_device is killed.
 * @parent_bytes: Offset in the parent at which the first range starts, in bytes; a multiple of
 *	the page size.  Each further range starts where the one before it ends.
 * @range: Called for each range, in the order of the parent; during the call alone.
 * @table: Its argument.
 * @nr_ranges: Number of ranges, at least 1.
 * @flags: DAX_HOLDER_ALLOW_MOVE or 0.
 * @event: Work item of the caller, scheduled after each failure that is counted; or NULL.
 *	Cancel it after the claim was released, and free it after that.
 * @error: If the call fails, set to a short reason: a constant string, not to be freed.  A
 *	longer reason with the numbers is in the kernel log.
 *
 * Takes the holder slot of each child for which dax_holder is not the holder yet.
 *
 * A claim shows where failed pages may be.  At the time of a failure it has an effect only
 * where the live mapping of the parent leads to the failed page.  So it may be made long
 * before its table goes live, and be released long after that table was replaced.
 *
 * Context: Process context; takes mutexes, allocates with GFP_KERNEL and may sleep.  Never
 *	waits for a failure in flight.
 * Return: The claim, which dax_holder_release() frees, or an ERR_PTR(), with nothing taken:
 *	-ENOMEM;
 *	-EOPNOTSUPP: a child has no DAX;
 *	-EBUSY: a child has another holder, or @parent is in use and the claim would move what
 *	is mapped;
 *	-EINTR: a fatal signal ended the search for such a move;
 *	-ELOOP: a child is stacked on @parent, through claims of any table or through
 *	attachments;
 *	-EXDEV: a child has no synchronous faults (MAP_SYNC), and @parent promises them.
 */
struct dax_holder_claim *
dax_holder_claim(struct gendisk *parent, u64 parent_bytes, dax_holder_range_fn range,
		 const void *table, unsigned int nr_ranges, unsigned int flags,
		 struct work_struct *event, char **error);

/**
 * dax_holder_resume() - check the claim against the parent's dax_device
 * @claim: The claim.
 *
 * Call it when the parent is about to go live: the first claim on a parent is made before the
 * parent's dax_device can be looked up.  It may be called any number of times.
 *
 * Context: Process context.  Allocates nothing and takes no sleeping lock.
 * Return: 0, also if the parent has no DAX and so nothing is ever forwarded; or -EXDEV, as
 *	from dax_holder_claim().
 */
int dax_holder_resume(struct dax_holder_claim *claim);

/**
 * dax_holder_release() - release a claim
 * @claim: The claim.  The caller must not use it any more; it is freed once no failure in
 *	flight uses it.
 *
 * Leaves the holder slot of each child that has no other claim or attachment on it.  No failure
 * schedules the claim's event after this call.  The children may be closed then.
 *
 * Context: Process context; takes a mutex and may sleep, but allocates nothing.  Never waits
 *	for a failure in flight, which may still be in the parent's handler.
 */
void dax_holder_release(struct dax_holder_claim *claim);

/**
 * dax_holder_count() - read the counters of a claim
 * @claim: The claim.
 * @counts: Filled in.
 *
 * The counters are read one by one: a failure in flight may be in some of them already.
 *
 * Context: Any but hard interrupt.  Takes no lock and does not sleep.
 */
void dax_holder_count(const struct dax_holder_claim *claim,
		      struct dax_holder_counts *counts);

/**
 * dax_holder_rewritten() - remove from a child's record what was written anew
 * @claim: A claim on the child.
 * @dax_dev: The child's dax_device.
 * @bytes: Start in @dax_dev, in bytes.
 * @len_bytes: Length in bytes; may be 0.
 *
 * Call it after a recovery write that has cleared bad blocks, with what was written.  Only whole
 * pages count: a failure is of whole pages.
 *
 * Context: Process context.  Takes a spinlock, does not sleep.
 */
void dax_holder_rewritten(const struct dax_holder_claim *claim,
			  const struct dax_device *dax_dev, u64 bytes, u64 len_bytes);

/**
 * dax_holder_synchronize() - wait until all sections of dax_read_lock() are left
 *
 * Waits for the sections that were entered before the call: DAX requests, and failures in
 * flight, which may in turn wait for a suspended device to be resumed.
 *
 * Context: Process context, sleeps.  Not to be called by a callback of device-mapper, nor
 *	inside dax_read_lock().
 */
void dax_holder_synchronize(void);

#endif
