// SPDX-License-Identifier: GPL-2.0
#define pr_fmt(fmt) "device-mapper: daxlinear: " fmt

#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "daxlinear.h"

/* Work that the claim schedules after each failure.  It raises the event of device-mapper. */
static void daxlinear_event(struct work_struct *work)
{
	struct daxlinear *dl = container_of(work, struct daxlinear, event);
	unsigned int noio;

	/* dtr waits for this work, so reclaim must not wait for a suspended device here. */
	noio = memalloc_noio_save();
	dm_table_event(dl->ti->table);
	memalloc_noio_restore(noio);
}

static int daxlinear_open(struct dm_target *ti, const char *path, struct dm_dev **dev)
{
	int err = dm_get_device(ti, path, dm_table_get_mode(ti->table), dev);

	if (err)
		return daxlinear_refuse(ti, err, "A device cannot be opened",
					"%s cannot be opened (%pe)", path, ERR_PTR(err));
	if ((*dev)->bdev->bd_disk == dm_disk(dm_table_get_md(ti->table)))
		err = daxlinear_refuse(ti, -ELOOP, "A device is the mapped device itself",
				       "%s is the mapped device itself; give another", path);
	else if (!(*dev)->dax_dev)
		err = daxlinear_refuse(ti, -EOPNOTSUPP, "A device has no DAX",
				       "%s has no DAX; give an fsdax namespace, a partition of one on page boundaries, or a mapped device with DAX",
				       path);
	if (err)
		dm_put_device(ti, *dev);
	return err;
}

/* Open the device at @path, unless an earlier range has, most often the one just before. */
static int daxlinear_get_dev(struct dm_target *ti, const char *path, struct dm_dev **dev)
{
	struct daxlinear *dl = ti->private;
	struct daxlinear_dev *devs;
	unsigned int i;
	int err;

	for (i = dl->nr_devs; i--;)
		if (!strcmp(dl->devs[i].path, path)) {
			*dev = dl->devs[i].dev;
			return 0;
		}

	err = daxlinear_open(ti, path, dev);
	if (err)
		return err;
	for (i = 0; i < dl->nr_devs; i++)
		if (dl->devs[i].dev == *dev) {
			dm_put_device(ti, *dev);
			return 0;
		}
	/* Grown one by one: most often there are few devices, however many ranges. */
	devs = krealloc_array(dl->devs, i + 1, sizeof(*devs), GFP_KERNEL);
	if (!devs) {
		dm_put_device(ti, *dev);
		return -ENOMEM;
	}
	dl->devs = devs;
	devs[i] = (struct daxlinear_dev){ .dev = *dev, .path = path };
	dl->nr_devs++;
	return 0;
}

/* Check that range @i lies within its device. */
static int daxlinear_check_range(struct dm_target *ti, unsigned int i)
{
	struct daxlinear *dl = ti->private;
	const struct daxlinear_range *range = &dl->table.ranges[i];
	sector_t offset = daxlinear_offset(range), len = daxlinear_len(range), size;

	size = bdev_nr_sectors(range->dev->bdev);
	if (offset > size || len > size - offset)
		return daxlinear_refuse(ti, -EINVAL, "A range reaches past the end of its device",
					"range %u: %llu sectors from %llu on reach past the end of %pg, which has %llu",
					i, len, offset, range->dev->bdev, size);
	return 0;
}

static int daxlinear_get_ranges(struct dm_target *ti, unsigned int argc, char **argv)
{
	struct daxlinear *dl = ti->private;
	struct daxlinear_table *table = &dl->table;
	struct daxlinear_range *range = table->ranges;
	unsigned int i;
	int err = 0;

	dl->lost_pmd = table->nr_ranges;
	for (i = 0; i < table->nr_ranges && !err; i++, range++) {
		err = daxlinear_get_dev(ti, daxlinear_path(argc, argv, i), &range->dev);
		if (err)
			break;
		/* A partition with DAX starts on a page. */
		range->delta += get_start_sect(range->dev->bdev) >> PAGE_SECTORS_SHIFT;
		err = daxlinear_check_range(ti, i);
		if (!err)
			err = daxlinear_check_pmd(ti, i);
	}
	return err;
}

static int daxlinear_make_index(struct daxlinear_table *table)
{
	size_t len = daxlinear_index_len(table);

	if (!len)
		return 0;
	table->index = exact_alloc(array_size(len, sizeof(*table->index)));
	if (!table->index)
		return -ENOMEM;
	daxlinear_fill_index(table);
	return 0;
}

static void daxlinear_claimed(const void *table, unsigned int i, struct dax_holder_range *to)
{
	const struct daxlinear_range *range = &((const struct daxlinear_table *)table)->ranges[i];

	to->bdev = range->dev->bdev;
	to->start_bytes = daxlinear_offset(range) << SECTOR_SHIFT;
	to->len_bytes = daxlinear_len(range) << SECTOR_SHIFT;
}

static int daxlinear_claim(struct dm_target *ti)
{
	struct daxlinear *dl = ti->private;
	const struct daxlinear_table *table = &dl->table;

	dl->claim = dax_holder_claim(dm_disk(dm_table_get_md(ti->table)),
				     PFN_PHYS(table->ranges[0].start),
				     daxlinear_claimed, table, table->nr_ranges,
				     table->allow_move ? DAX_HOLDER_ALLOW_MOVE : 0,
				     &dl->event, &ti->error);
	return PTR_ERR_OR_ZERO(dl->claim);
}

static void daxlinear_free(struct dm_target *ti)
{
	struct daxlinear *dl = ti->private;

	while (dl->nr_devs)
		dm_put_device(ti, dl->devs[--dl->nr_devs].dev);
	kfree(dl->devs);
	kfree(dl->some);
	kvfree(dl->table.index);
	kvfree(dl);
}

/*
 * Construct a mapping of ranges of devices, one after the other:
 *	<dev> <offset>
 *	<n> (<dev> <offset> <len>){n} [<#opts> <opt>...]
 *
 * Offsets and lengths are in sectors and multiples of a page. Options:
 *	align_pmd	refuse a range that would lose PMD mappings
 *	align_2m	the same
 *	allow_move	the table may move what a mounted filesystem maps
 */
static int daxlinear_ctr(struct dm_target *ti, unsigned int argc, char **argv)
{
	char msg[DAXLINEAR_MSG_LEN];
	struct daxlinear *dl;
	unsigned int nr_ranges;
	int err;

	err = daxlinear_count_ranges(argc, argv, &nr_ranges, msg);
	if (err)
		return daxlinear_refuse(ti, err, "Bad table line", "%s", msg);

	ti->error = "Cannot allocate memory";
	dl = exact_alloc(struct_size(dl, table.ranges, daxlinear_room(nr_ranges)));
	if (!dl)
		return -ENOMEM;
	memset(dl, 0, sizeof(*dl));
	ti->private = dl;
	dl->ti = ti;
	dl->table.nr_ranges = nr_ranges;
	INIT_WORK(&dl->event, daxlinear_event);

	err = daxlinear_parse(&dl->table, ti->begin, ti->len, argc, argv, msg);
	if (err) {
		daxlinear_refuse(ti, err, "Bad table line", "%s", msg);
		goto free;
	}
	err = daxlinear_get_ranges(ti, argc, argv);
	if (err)
		goto free;
	err = daxlinear_make_index(&dl->table);
	if (err)
		goto free;
	err = daxlinear_init_remaps(dl);
	if (err)
		goto free;
	err = daxlinear_claim(ti);
	if (err)
		goto free;

	ti->num_flush_bios = dl->nr_devs;
	ti->num_discard_bios = 1;
	ti->num_secure_erase_bios = 1;
	ti->num_write_zeroes_bios = 1;
	return 0;

free:
	daxlinear_free(ti);
	return err;
}

static void daxlinear_dtr(struct dm_target *ti)
{
	struct daxlinear *dl = ti->private;

	/* In this order: a released claim schedules no event. */
	dax_holder_release(dl->claim);
	cancel_work_sync(&dl->event);
	daxlinear_free(ti);
}

/*
 * Warn of a line that is not the whole device.  device-mapper clamps requests to a line, so
 * daxlinear_seamless() never sees a request that crosses the end of one.
 */
static void daxlinear_warn_of_seams(struct dm_target *ti)
{
	struct daxlinear *dl = ti->private;

	if (dl->warned || ti->len == dm_table_get_size(ti->table))
		return;
	dl->warned = true;
	pr_warn_ratelimited("%s: the line at sector %llu is not the whole device: copy-on-write over its ends mixes data; give one line with several ranges (daxlinear merge)\n",
			    dm_table_device_name(ti->table), ti->begin);
}

/* Check what the constructor cannot see: the whole table, and the mapped device's dax_device. */
static int daxlinear_preresume(struct dm_target *ti)
{
	struct daxlinear *dl = ti->private;

	daxlinear_warn_of_seams(ti);
	return dax_holder_resume(dl->claim);
}

static int daxlinear_iterate_devices(struct dm_target *ti, iterate_devices_callout_fn fn,
				     void *data)
{
	struct daxlinear *dl = ti->private;
	const struct daxlinear_range *range = dl->table.ranges;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < dl->table.nr_ranges && !ret; i++, range++)
		ret = fn(ti, range->dev, daxlinear_offset(range), daxlinear_len(range), data);
	return ret;
}

static struct target_type daxlinear_target = {
	.name = "daxlinear",
	.version = {1, 1, 0},
	.features = DM_TARGET_NOWAIT,
	.module = THIS_MODULE,
	.ctr = daxlinear_ctr,
	.dtr = daxlinear_dtr,
	.map = daxlinear_map,
	.preresume = daxlinear_preresume,
	.status = daxlinear_status,
	.iterate_devices = daxlinear_iterate_devices,
	.direct_access = daxlinear_direct_access,
	.dax_zero_page_range = daxlinear_zero_page_range,
	.dax_recovery_write = daxlinear_recovery_write,
};

static int __init daxlinear_init(void)
{
	daxlinear_seam_init();
	return dm_register_target(&daxlinear_target);
}

static void __exit daxlinear_exit(void)
{
	dm_unregister_target(&daxlinear_target);
	daxlinear_seam_exit();
}

module_init(daxlinear_init);
module_exit(daxlinear_exit);

MODULE_ALIAS("dm-daxlinear");
MODULE_DESCRIPTION(DM_NAME " target: concatenates DAX devices and forwards their memory failures");
MODULE_AUTHOR("The dm-daxlinear developers");
MODULE_LICENSE("GPL");
MODULE_VERSION(DM_DAXLINEAR_VERSION);
