/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAX_HOLDER_RECORD_H
#define DAX_HOLDER_RECORD_H

#include <linux/badblocks.h>
#include <linux/spinlock.h>

#define DXH_ENTRIES	1024

/* Results of an entry that no holder returns; see dxh_record_result(). */
#define DXH_PENDING	1
#define DXH_UNUSED	2

/* Flags of an entry; the bits are in the order of flag_names[]. */
enum dxh_entry_flag {
	DXH_GONE,
	DXH_SOFT,
	DXH_INJECTED,
	DXH_OVERFLOW,
	DXH_SHUTDOWN,
};

/**
 * struct dxh_entry - a failure in the record
 * @seq: What the record's @seq became with it.
 * @time_ns: When it arrived, since 1970.
 * @sector: First sector of the child that failed,
 * @sectors: and how many did; both 0 for a child that goes away.
 * @result: Merged result of all holders, or one of those above.
 * @flags: Bits of enum dxh_entry_flag.
 */
struct dxh_entry {
	u64 seq;
	u64 time_ns;
	u64 sector;
	u64 sectors;
	int result;
	unsigned long flags;
};

/**
 * struct dxh_record - what has failed of a piece of memory that is, or was, a child
 * @node: In the list of records; under records_mutex, as are the next four.
 * @pfn: First page frame of the memory,
 * @pages: and its length.
 * @dir: Directory in sysfs, by the name of the disk.
 * @seq_file: File of @seq in it.
 * @dev: Number of the disk.
 * @gone: The disk goes away, or has gone.
 * @lock: Serializes changes of everything below.  A spinlock: a failure waits for nothing.
 * @seq: Number of the last change.
 * @failures: Failures that were entered.
 * @overflow: Those of @failures that did not fit in @bad.
 * @bad: What has failed, and has not been written anew since.
 * @entries: The last of @failures, each at its number modulo DXH_ENTRIES.
 */
struct dxh_record {
	struct list_head node;
	u64 pfn;
	u64 pages;
	struct device *dir;
	struct kernfs_node *seq_file;

	dev_t dev;
	bool gone;

	spinlock_t lock;	/* of everything below */
	u64 seq;
	u64 failures;
	u64 overflow;
	struct badblocks bad;
	struct dxh_entry entries[DXH_ENTRIES];
};

u64 dxh_record_enter(struct dxh_record *record, const char *name, u64 sector, u64 sectors,
		     int mf_flags);
void dxh_record_result(struct dxh_record *record, u64 number, int result);
bool dxh_record_remove(struct dxh_record *record, u64 sector, u64 sectors);
bool dxh_record_range(struct dxh_record *record, u64 from, u64 *start, u64 *end);
bool dxh_record_entry(struct dxh_record *record, u64 number, struct dxh_entry *entry);

#endif
