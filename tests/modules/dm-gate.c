// SPDX-License-Identifier: GPL-2.0
/*
 * dm-gate: maps a part of a device as "linear" does, and stops or fails a step of
 * the table's life that a test chooses.
 *
 *	<start> <len> gate <dev> <offset>
 *
 * Beside other targets it stops the whole table at a step that otherwise takes no
 * time, or makes dm undo what the other targets have done.  It supports DAX, so that
 * the table keeps DAX.
 *
 * The steps are ctr, dtr, presuspend, postsuspend, preresume and resume.  In
 * /sys/module/dm_gate/parameters/, for all gates at once:
 *
 *	stop	a step at which a table waits until this is changed, or none
 *	at	the step at which a table waits now, or none
 *	fail	ctr or preresume, which then fails with -EIO, or none
 */
#include <linux/blkdev.h>
#include <linux/dax.h>
#include <linux/device-mapper.h>
#include <linux/module.h>
#include <linux/pfn_t.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/wait.h>

enum step { NONE, CTR, DTR, PRESUSPEND, POSTSUSPEND, PRERESUME, RESUME };

static const char * const steps[] = {
	[NONE] = "none",
	[CTR] = "ctr",
	[DTR] = "dtr",
	[PRESUSPEND] = "presuspend",
	[POSTSUSPEND] = "postsuspend",
	[PRERESUME] = "preresume",
	[RESUME] = "resume",
};

struct gate {
	struct dm_dev *dev;
	sector_t offset;
};

static int stop;
static int at;
static int fail;
static DECLARE_WAIT_QUEUE_HEAD(stop_changed);

static int step_set(const char *value, const struct kernel_param *param)
{
	int step = sysfs_match_string(steps, value);

	if (step < 0)
		return step;
	WRITE_ONCE(*(int *)param->arg, step);
	wake_up_all(&stop_changed);
	return 0;
}

static int step_get(char *buffer, const struct kernel_param *param)
{
	return sysfs_emit(buffer, "%s\n", steps[READ_ONCE(*(int *)param->arg)]);
}

static const struct kernel_param_ops step_ops = {
	.set = step_set,
	.get = step_get,
};

module_param_cb(stop, &step_ops, &stop, 0600);
module_param_cb(at, &step_ops, &at, 0400);
module_param_cb(fail, &step_ops, &fail, 0600);

static int gate_pass(enum step step)
{
	if (READ_ONCE(stop) == step) {
		WRITE_ONCE(at, step);
		/* Idle, so that a long wait is not reported as a hung task. */
		wait_event_idle(stop_changed, READ_ONCE(stop) != step);
		WRITE_ONCE(at, NONE);
	}
	return READ_ONCE(fail) == step ? -EIO : 0;
}

static int gate_ctr(struct dm_target *ti, unsigned int argc, char **argv)
{
	struct gate *gate;
	int err;

	err = gate_pass(CTR);
	if (err) {
		ti->error = "Fails as requested";
		return err;
	}
	if (argc != 2) {
		ti->error = "Needs a device and an offset";
		return -EINVAL;
	}
	gate = kzalloc(sizeof(*gate), GFP_KERNEL);
	if (!gate) {
		ti->error = "Cannot allocate the target";
		return -ENOMEM;
	}
	err = kstrtoull(argv[1], 10, &gate->offset);
	if (err) {
		ti->error = "The offset is no number";
		goto free;
	}
	err = dm_get_device(ti, argv[0], dm_table_get_mode(ti->table), &gate->dev);
	if (err) {
		ti->error = "The device cannot be opened";
		goto free;
	}
	ti->num_flush_bios = 1;
	ti->private = gate;
	return 0;

free:
	kfree(gate);
	return err;
}

static void gate_dtr(struct dm_target *ti)
{
	struct gate *gate = ti->private;

	gate_pass(DTR);
	dm_put_device(ti, gate->dev);
	kfree(gate);
}

static void gate_presuspend(struct dm_target *ti)
{
	gate_pass(PRESUSPEND);
}

static void gate_postsuspend(struct dm_target *ti)
{
	gate_pass(POSTSUSPEND);
}

static int gate_preresume(struct dm_target *ti)
{
	return gate_pass(PRERESUME);
}

static void gate_resume(struct dm_target *ti)
{
	gate_pass(RESUME);
}

static int gate_map(struct dm_target *ti, struct bio *bio)
{
	struct gate *gate = ti->private;

	bio_set_dev(bio, gate->dev->bdev);
	bio->bi_iter.bi_sector = gate->offset +
				 dm_target_offset(ti, bio->bi_iter.bi_sector);
	return DM_MAPIO_REMAPPED;
}

static int gate_iterate_devices(struct dm_target *ti, iterate_devices_callout_fn fn,
				void *data)
{
	struct gate *gate = ti->private;

	return fn(ti, gate->dev, gate->offset, ti->len, data);
}

static long gate_direct_access(struct dm_target *ti, pgoff_t pgoff, long nr_pages,
			       enum dax_access_mode mode, void **kaddr, pfn_t *pfn)
{
	struct gate *gate = ti->private;
	sector_t sector = get_start_sect(gate->dev->bdev) + gate->offset +
			  dm_target_offset(ti, pgoff << PAGE_SECTORS_SHIFT);

	return dax_direct_access(gate->dev->dax_dev, sector >> PAGE_SECTORS_SHIFT, nr_pages,
				 mode, kaddr, pfn);
}

static struct target_type gate_target = {
	.name = "gate",
	.version = {1, 0, 0},
	.module = THIS_MODULE,
	.ctr = gate_ctr,
	.dtr = gate_dtr,
	.presuspend = gate_presuspend,
	.postsuspend = gate_postsuspend,
	.preresume = gate_preresume,
	.resume = gate_resume,
	.map = gate_map,
	.iterate_devices = gate_iterate_devices,
	.direct_access = gate_direct_access,
};

static int __init gate_init(void)
{
	return dm_register_target(&gate_target);
}

static void __exit gate_exit(void)
{
	dm_unregister_target(&gate_target);
}

module_init(gate_init);
module_exit(gate_exit);

MODULE_DESCRIPTION("Test target: stops or fails a step of a table's life");
MODULE_AUTHOR("The dm-daxlinear developers");
MODULE_LICENSE("GPL");
