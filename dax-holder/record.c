// SPDX-License-Identifier: GPL-2.0
/*
 * The record of what has failed: a table of ranges, and the last failures one by one.
 *
 * It is changed in the context of a failure.  So nothing here allocates or waits.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sysfs.h>

#include "record.h"

/*
 * Find the first range of the table that ends behind @from.  The table is read here and not by
 * badblocks_check(), whose types differ between kernels.
 */
static bool range_behind(const struct badblocks *bad, u64 from, u64 *start, u64 *end)
{
	int i;

	*start = U64_MAX;
	*end = U64_MAX;
	for (i = 0; i < bad->count; i++) {
		if (BB_OFFSET(bad->page[i]) + BB_LEN(bad->page[i]) <= from)
			continue;
		*start = BB_OFFSET(bad->page[i]);
		*end = *start + BB_LEN(bad->page[i]);
		return true;
	}
	return false;
}

/*
 * Add the sectors that are not in the table yet, from gap to gap: older kernels lose some of a
 * range that spans several others.  Returns false if the table is full.
 */
static bool add(struct badblocks *bad, u64 at, u64 end)
{
	u64 bad_start, bad_end;

	for (; at < end; at = bad_end) {
		range_behind(bad, at, &bad_start, &bad_end);
		if (bad_start <= at)
			continue;
		/* What the function returns differs between kernels; see what it did. */
		badblocks_set(bad, at, min3(end, at + BB_MAX_LEN, bad_start) - at, 1);
		range_behind(bad, at, &bad_start, &bad_end);
		if (bad_start > at)
			return false;
	}
	return true;
}

/* End a change: number it, unlock, and wake up readers that poll. */
static void changed(struct dxh_record *record)
	__releases(&record->lock)
{
	WRITE_ONCE(record->seq, record->seq + 1);
	spin_unlock(&record->lock);
	sysfs_notify_dirent(record->seq_file);
}

/*
 * Enter a failure of sectors, or of the whole child if there are none.  Returns its number, for
 * dxh_record_result().  The name of the child is not that of the directory, which may be renamed
 * meanwhile.
 */
u64 dxh_record_enter(struct dxh_record *record, const char *name, u64 sector, u64 sectors,
		     int mf_flags)
{
	struct dxh_entry entry = {
		.time_ns = ktime_get_real_ns(),
		.sector = sector,
		.sectors = sectors,
		.result = DXH_PENDING,
		.flags = !sectors << DXH_GONE |
			 !!(mf_flags & MF_SOFT_OFFLINE) << DXH_SOFT |
			 !!(mf_flags & MF_SW_SIMULATED) << DXH_INJECTED,
	};
	u64 number, overflow = 0;

	if (!sectors)
		WRITE_ONCE(record->gone, true);
	spin_lock(&record->lock);
	if (!add(&record->bad, sector, sector + sectors)) {
		overflow = record->overflow + 1;
		WRITE_ONCE(record->overflow, overflow);
		__set_bit(DXH_OVERFLOW, &entry.flags);
	}
	number = record->failures;
	entry.seq = record->seq + 1;
	record->entries[number % DXH_ENTRIES] = entry;
	WRITE_ONCE(record->failures, number + 1);
	changed(record);
	if (overflow == 1)
		pr_warn("%s: its record of failed ranges is full; further ones are only counted and listed in events\n",
			name);
	return number;
}

/*
 * Enter the result of a failure.  By then its entry may have been overwritten: a child that goes
 * away may wait long for a handler, while pages fail.
 */
void dxh_record_result(struct dxh_record *record, u64 number, int result)
{
	struct dxh_entry *entry = &record->entries[number % DXH_ENTRIES];

	spin_lock(&record->lock);
	if (record->failures - number <= DXH_ENTRIES) {
		entry->result = result;
		__assign_bit(DXH_SHUTDOWN, &entry->flags, result == -EUCLEAN);
	}
	changed(record);
}

/* Remove sectors.  Returns false if the table is full, so that a range cannot be split. */
bool dxh_record_remove(struct dxh_record *record, u64 sector, u64 sectors)
{
	u64 start, end, last = sector + sectors;
	struct dxh_entry *entry;

	spin_lock(&record->lock);
	/* By ranges of the table: an older kernel's badblocks_clear() counts sectors by an int. */
	for (range_behind(&record->bad, sector, &start, &end); start < last;
	     range_behind(&record->bad, end, &start, &end)) {
		start = max(start, sector);
		badblocks_clear(&record->bad, start, min(end, last) - start);
	}
	/* Only its entry has what did not fit. */
	for (entry = record->entries; entry < record->entries + DXH_ENTRIES; entry++)
		if (entry->sector >= sector && entry->sector + entry->sectors <= last)
			__clear_bit(DXH_OVERFLOW, &entry->flags);
	range_behind(&record->bad, sector, &start, &end);
	changed(record);
	return start >= last;
}

/* Find the first failed range that ends behind @from. */
bool dxh_record_range(struct dxh_record *record, u64 from, u64 *start, u64 *end)
{
	bool found;

	spin_lock(&record->lock);
	found = range_behind(&record->bad, from, start, end);
	spin_unlock(&record->lock);
	return found;
}

/* Copy the entry of a failure.  Returns false if there was no such failure yet. */
bool dxh_record_entry(struct dxh_record *record, u64 number, struct dxh_entry *entry)
{
	bool found;

	spin_lock(&record->lock);
	found = number < record->failures;
	*entry = record->entries[number % DXH_ENTRIES];
	spin_unlock(&record->lock);
	return found;
}
