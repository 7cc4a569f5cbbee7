/* SPDX-License-Identifier: GPL-2.0 */
/*
 * dax_holder: share the holder slot of a dax_device among those who stack on it.
 *
 * A dax_device has one holder, which the kernel notifies of a failure of its memory.  A
 * stacking driver that maps parts of several children into one parent claims those parts
 * here.  When a page of a child fails, the holder of each parent whose live mapping has that
 * page is notified at the parent's own offset, in the context of the failure.
 */
#ifndef DAX_HOLDER_H
#define DAX_HOLDER_H

#include <linux/bits.h>
#include <linux/types.h>

struct block_device;
struct dax_holder_claim;
struct gendisk;
struct work_struct;

/**
 * struct dax_holder_range - one stretch of a child, mapped into a parent
 * @bdev: The child, a whole device or a partition.  The caller keeps it open
 *	until the claim is released.
 * @start_bytes: Where the stretch starts in @bdev; on a page boundary.
 * @len_bytes: How long it is: whole pages, at least one.
 *
 * The caller has checked that the stretch lies within @bdev and that no sum of
 * these numbers overflows.  Ranges may overlap in the child.
 */
struct dax_holder_range {
	struct block_device *bdev;
	u64 start_bytes;
	u64 len_bytes;
};

/**
 * struct dax_holder_counts - what happened to a claim
 * @received: Failures that hit a page of the claim's ranges in the live mapping.
 * @forwarded: Those of @received that a holder of the parent was notified of.
 * @handled: Those of @forwarded that the holder handled, by killing processes or by
 *	shutting down.
 * @generic: Those of @received that were left to the kernel's generic handling.  The
 *	others of @received that are not @handled were answered with an error.
 * @last_bytes: Where in the parent the last failure was; U64_MAX if none was.
 * @children_alive: Distinct block devices of the claim that are still there.
 * @children_gone: Distinct block devices of the claim that went away.
 *
 * All but the children are shared with the claims that come before and after on
 * the same place of the parent, so that they outlive a reload of its table.
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

/* The claim may move what a parent in use (by a mounted filesystem, say) maps. */
#define DAX_HOLDER_ALLOW_MOVE	BIT(0)

/**
 * dax_holder_claim() - claim ranges of children for a parent
 * @parent: The disk of the parent.  No reference is taken: release the claim
 *	before the disk's dax_device is killed.
 * @parent_bytes: Where in the parent the first range starts, on a page boundary; the others
 *	follow, each where the one before it ends.
 * @ranges: The ranges; not needed after the call.
 * @nr_ranges: How many there are, at least one.
 * @flags: DAX_HOLDER_ALLOW_MOVE or 0.
 * @event: Scheduled after each failure that is counted, unless NULL.
 *	Cancel it after the claim was released.
 * @error: Set to a short reason if the call fails; a longer one, with the
 *	numbers, is in the kernel log.
 *
 * Takes the holder slot of every child that it does not have yet.  The claim
 * counts only where the live mapping of the parent leads to the claimed page at
 * the time of the failure, so it may be made long before the mapping goes live
 * and be released long after it was replaced.
 *
 * Context: Process context, may sleep; never waits for a failure in flight.
 * Return: The claim, to be given back with dax_holder_release(), or an
 *	ERR_PTR(), with nothing taken:
 *	-ENOMEM;
 *	-EOPNOTSUPP: a child has no DAX;
 *	-EBUSY: a child has another holder, or @parent is in use and the claim
 *	would move what is mapped;
 *	-EINTR: a signal ended the search for that;
 *	-ELOOP: a child is stacked on @parent, through claims of any table or
 *	through what is attached;
 *	-EXDEV: a child without synchronous faults, under a parent that promises
 *	them.
 */
struct dax_holder_claim *
dax_holder_claim(struct gendisk *parent, u64 parent_bytes,
		 const struct dax_holder_range *ranges, unsigned int nr_ranges,
		 unsigned int flags, struct work_struct *event, char **error);

/**
 * dax_holder_resume() - check the claim against the parent's dax_device
 * @claim: The claim.
 *
 * To be called when the parent is about to go live.  The first claim on a parent
 * is made before the parent has a dax_device that could be looked at.  May be
 * called any number of times.
 *
 * Context: Process context.  Allocates nothing, takes no sleeping lock.
 * Return: 0, also if the parent has no DAX (there is nothing to forward then), or
 *	-EXDEV as dax_holder_claim().
 */
int dax_holder_resume(struct dax_holder_claim *claim);

/**
 * dax_holder_release() - give a claim back
 * @claim: The claim; freed.
 *
 * Leaves the holder slot of every child that no other claim maps.
 *
 * Context: Process context, may sleep; never waits for a failure in flight,
 *	which may still be on its way through the parent's handler.
 */
void dax_holder_release(struct dax_holder_claim *claim);

/**
 * dax_holder_count() - read the counters of a claim
 * @claim: The claim.
 * @counts: Filled in.
 *
 * Context: Any but hard interrupt.
 */
void dax_holder_count(const struct dax_holder_claim *claim,
		      struct dax_holder_counts *counts);

/**
 * dax_holder_synchronize() - wait until all sections of dax_read_lock() are left
 *
 * Waits for those that were entered before the call: for DAX requests under way, and for
 * failures in flight, which may themselves wait for a suspended device to be resumed.
 *
 * Context: Process context, sleeps. Never a callback of device-mapper, and never inside
 *	dax_read_lock().
 */
void dax_holder_synchronize(void);

#endif
