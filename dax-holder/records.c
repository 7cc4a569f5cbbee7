// SPDX-License-Identifier: GPL-2.0
/*
 * Keep a record for each child from its first hold to the end of the module, and find it again
 * by the memory: a disk may be unbound and bound again, and its name may be given to other memory.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/device.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "claim.h"
#include "live.h"
#include "record.h"
#include "record_files.h"
#include "records.h"
#include "sysfs.h"

static DEFINE_MUTEX(records_mutex); /* see device.h */
static LIST_HEAD(records);
static unsigned int renamed;

static struct dxh_record *record_of(u64 pfn, u64 pages)
{
	struct dxh_record *record;

	list_for_each_entry(record, &records, node)
		if (record->pfn == pfn && record->pages == pages)
			return record;
	return NULL;
}

/* Take the name from the record of other memory, if there is one. */
static int free_name(const char *name)
{
	char other[DISK_NAME_LEN + 12];
	struct dxh_record *record;

	list_for_each_entry(record, &records, node) {
		if (strcmp(dev_name(record->dir), name))
			continue;
		snprintf(other, sizeof(other), "%s~%u", name, ++renamed);
		return device_rename(record->dir, other);
	}
	return 0;
}

static void record_free(struct dxh_record *record)
{
	badblocks_exit(&record->bad);
	kvfree(record);
}

static struct dxh_record *record_new(const char *name, u64 pfn, u64 pages)
{
	struct dxh_record *record = kvzalloc(sizeof(*record), GFP_KERNEL);
	int err;

	if (!record)
		return ERR_PTR(-ENOMEM);
	record->pfn = pfn;
	record->pages = pages;
	spin_lock_init(&record->lock);
	err = badblocks_init(&record->bad, 1);
	if (err)
		goto free;
	record->dir = device_create_with_groups(&dxh_class, NULL, MKDEV(0, 0), record,
						dxh_record_groups, "%s", name);
	err = PTR_ERR_OR_ZERO(record->dir);
	if (err)
		goto free;
	record->seq_file = sysfs_get_dirent(record->dir->kobj.sd, "seq");
	list_add_tail(&record->node, &records);
	return record;

free:
	record_free(record);
	return ERR_PTR(err);
}

/* Find the record of the memory, or make one, and see to its name. */
static struct dxh_record *record_get(const char *name, u64 pfn, u64 pages)
{
	struct dxh_record *record = record_of(pfn, pages);
	int err = 0;

	if (record && !strcmp(dev_name(record->dir), name))
		return record;
	err = free_name(name);
	if (!err && record)
		err = device_rename(record->dir, name);
	if (record || err)
		return err ? ERR_PTR(err) : record;
	return record_new(name, pfn, pages);
}

/*
 * Give a child that is held its record.  A mapped device has no memory of its own, and none.
 *
 * A table load may get here while a device is suspended.  So an allocation must not wait for I/O
 * to it, also if another task makes the record and this one waits for the mutex.
 */
int dxh_record_hold(struct dxh_device *child)
{
	struct dxh_record *record;
	unsigned int noio;
	u64 pfn, found;
	int id;

	if (READ_ONCE(child->record) || dxh_is_mapped(child->disk))
		return 0;
	id = dax_read_lock();
	found = dxh_resolve(child, 0, PAGE_SIZE, &pfn);
	dax_read_unlock(id);

	noio = memalloc_noio_save();
	mutex_lock(&records_mutex);
	/* A child without its first page is going away. */
	record = found ? record_get(child->name, pfn, dxh_size(child) >> PAGE_SHIFT) :
			 ERR_PTR(-EOPNOTSUPP);
	if (!IS_ERR(record)) {
		WRITE_ONCE(record->dev, disk_devt(child->disk));
		WRITE_ONCE(record->gone, READ_ONCE(child->gone));
		/* A failure in flight may read it next. */
		smp_store_release(&child->record, record);
	}
	mutex_unlock(&records_mutex);
	memalloc_noio_restore(noio);
	return PTR_ERR_OR_ZERO(record);
}

void dax_holder_rewritten(const struct dax_holder_claim *claim,
			  const struct dax_device *dax_dev, u64 bytes, u64 len_bytes)
{
	u64 start = round_up(bytes, PAGE_SIZE), end = round_down(bytes + len_bytes, PAGE_SIZE);
	const struct dxh_child *child;

	if (start >= end)
		return;
	list_for_each_entry(child, &claim->children, node) {
		if (child->device->dax_dev != dax_dev)
			continue;
		if (child->device->record)
			dxh_record_remove(child->device->record, start >> SECTOR_SHIFT,
					  (end - start) >> SECTOR_SHIFT);
		/* Another partition of the disk has the same record. */
		return;
	}
}
EXPORT_SYMBOL_GPL(dax_holder_rewritten);

/* Called when no child is held and no failure is in flight. */
void dxh_records_exit(void)
{
	struct dxh_record *record, *next;

	list_for_each_entry_safe(record, next, &records, node) {
		device_unregister(record->dir);
		/* Wakes up readers that poll.  They find the file removed. */
		sysfs_notify_dirent(record->seq_file);
		sysfs_put(record->seq_file);
		record_free(record);
	}
}
