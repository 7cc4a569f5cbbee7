// SPDX-License-Identifier: GPL-2.0
/*
 * daxbench: counts what it costs to look up a page in a dax_device, and to notify its
 * holder of a failed page.
 *
 * It counts cycles of the processor.  In a guest whose clock counts instructions
 * (qemu -icount shift=0) these are instructions, and repeat exactly.
 *
 * /dev/daxbench has these ioctls, see daxbench.h.  Block devices are passed as open files:
 *
 *	ACCESS	call dax_direct_access() for each page
 *	ADDRESS	call it once for all pages, as copy-on-write does
 *	HOLD	take the holder slot until /dev/daxbench is closed
 *	FAIL	notify the driver of a failure of each page, as memory_failure() does, and
 *		count until the holder of HOLD is notified; 0 if it is not.  Nothing on
 *		the way may sleep.
 *	GONE	notify the holder that the device goes away, as its driver does, and count
 *		likewise
 *	MASK	mask interrupts, or unmask them.  What is counted may sleep, as long as
 *		what it waits for needs no interrupt of the clock.
 */
#include <linux/blkdev.h>
#include <linux/dax.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/irqflags.h>
#include <linux/list.h>
#include <linux/memremap.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pfn_t.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/timex.h>
#include <linux/uaccess.h>

#include "daxbench.h"

#define MAX_PAGES	SZ_1M

/* A dax_device that this module holds. */
struct held {
	struct list_head node;
	struct dax_device *dax_dev;
};

/* One ioctl at a time: there is one clock. */
static DEFINE_MUTEX(bench_mutex);
/* Time of the first notification of the failure in flight, or 0. */
static u64 notified;

static int bench_notify_failure(struct dax_device *dax_dev, u64 off, u64 len, int mf_flags)
{
	u64 now = get_cycles();

	if (!notified) {
		notified = now;
		local_irq_enable();
	}
	return 0;
}

static const struct dax_holder_operations bench_ops = {
	.notify_failure = bench_notify_failure,
};

/* Fails if there is another holder, as the kernel would leak a reference then. */
static struct dax_device *dax_of(int fd, u64 *start, struct held *holder)
{
	struct dax_device *dax_dev = NULL;
	struct block_device *bdev;
	struct file *file = fget(fd);

	if (!file)
		return NULL;
	if (S_ISBLK(file_inode(file)->i_mode)) {
		bdev = I_BDEV(file->f_mapping->host);
		dax_dev = fs_dax_get_by_bdev(bdev, start, NULL, NULL);
		if (dax_dev && holder) {
			bool free = !dax_holder(dax_dev);

			put_dax(dax_dev);
			dax_dev = free ? fs_dax_get_by_bdev(bdev, start, holder, &bench_ops) : NULL;
		}
	}
	fput(file);
	return dax_dev;
}

/* The task priority register, which masks all but the highest interrupts. */
static void mask(unsigned long on)
{
	asm volatile("mov %0, %%cr8" : : "r" (on ? 0xeUL : 0UL) : "memory");
}

/* Cost of reading the clock twice. */
static u64 overhead(void)
{
	u64 begin = get_cycles();

	return get_cycles() - begin;
}

static int bench_access(struct dax_device *dax_dev, const struct daxbench_pages *pages,
			pgoff_t first, const u64 *list, u32 *samples)
{
	u64 clock = overhead(), begin;
	unsigned long flags;
	long nr = 1;
	void *kaddr;
	pfn_t pfn;
	u32 i;
	int id;

	id = dax_read_lock();
	local_irq_save(flags);
	for (i = 0; i < pages->count && nr > 0; i++) {
		pgoff_t page = first + (list ? list[i] : i * pages->step);

		begin = get_cycles();
		nr = dax_direct_access(dax_dev, page, 1, DAX_ACCESS, &kaddr, &pfn);
		samples[i] = get_cycles() - begin - clock;
	}
	local_irq_restore(flags);
	dax_read_unlock(id);
	return nr > 0 ? 0 : -EIO;
}

/* What is counted may sleep; see MASK. */
static int bench_address(struct dax_device *dax_dev, const struct daxbench_pages *pages,
			 pgoff_t first, u32 *samples)
{
	u64 clock = overhead(), begin;
	void *kaddr;
	long nr;
	u32 i;
	int id;

	for (i = 0; i < pages->count; i++) {
		id = dax_read_lock();
		begin = get_cycles();
		nr = dax_direct_access(dax_dev, first, pages->step, DAX_ACCESS, &kaddr, NULL);
		samples[i] = get_cycles() - begin - clock;
		dax_read_unlock(id);
		if (nr < 0)
			return nr;
	}
	return 0;
}

/* 7.2 and later take the page frame number alone, and ignore the second argument. */
static struct dev_pagemap *pagemap_of(unsigned long pfn)
{
	struct dev_pagemap *(*get)(unsigned long pfn, struct dev_pagemap *hint) =
		(void *)get_dev_pagemap;

	return get(pfn, NULL);
}

static int bench_fail(struct dax_device *dax_dev, const struct daxbench_pages *pages,
		      pgoff_t first, u32 *samples)
{
	u64 clock = overhead(), begin;
	struct dev_pagemap *pgmap;
	pfn_t pfn;
	long nr;
	u32 i;
	int id;

	for (i = 0; i < pages->count; i++) {
		id = dax_read_lock();
		nr = dax_direct_access(dax_dev, first + i * pages->step, 1, DAX_ACCESS,
				       NULL, &pfn);
		dax_read_unlock(id);
		if (nr <= 0)
			return -EIO;
		pgmap = pagemap_of(pfn_t_to_pfn(pfn));
		if (!pgmap)
			return -ENXIO;
		notified = 0;
		/*
		 * Nothing sleeps before the holder is notified, which unmasks interrupts again.
		 */
		local_irq_disable();
		begin = get_cycles();
		pgmap->ops->memory_failure(pgmap, pfn_t_to_pfn(pfn), 1, 0);
		local_irq_enable();
		samples[i] = notified ? notified - begin - clock : 0;
		put_dev_pagemap(pgmap);
		cond_resched();
	}
	return 0;
}

static int bench_gone(struct dax_device *dax_dev, u32 *samples)
{
	u64 clock = overhead(), begin;

	notified = 0;
	/* As in bench_fail(). */
	local_irq_disable();
	begin = get_cycles();
	dax_holder_notify_failure(dax_dev, 0, U64_MAX, 0);
	local_irq_enable();
	samples[0] = notified ? notified - begin - clock : 0;
	return 0;
}

static int bench_pages(unsigned int cmd, void __user *arg)
{
	struct daxbench_pages pages;
	struct dax_device *dax_dev;
	u64 start, *list = NULL;
	u32 *samples;
	int err;

	if (copy_from_user(&pages, arg, sizeof(pages)))
		return -EFAULT;
	if (!pages.count || pages.count > MAX_PAGES)
		return -EINVAL;
	if (pages.list) {
		list = vmemdup_user(u64_to_user_ptr(pages.list),
				    array_size(pages.count, sizeof(*list)));
		if (IS_ERR(list))
			return PTR_ERR(list);
	}
	samples = kvcalloc(pages.count, sizeof(*samples), GFP_KERNEL);
	if (!samples) {
		kvfree(list);
		return -ENOMEM;
	}
	dax_dev = dax_of(pages.fd, &start, NULL);
	if (dax_dev) {
		pgoff_t first = pages.first + PHYS_PFN(start);

		if (cmd == DAXBENCH_ACCESS)
			err = bench_access(dax_dev, &pages, first, list, samples);
		else if (cmd == DAXBENCH_ADDRESS)
			err = bench_address(dax_dev, &pages, first, samples);
		else if (cmd == DAXBENCH_GONE)
			err = bench_gone(dax_dev, samples);
		else
			err = bench_fail(dax_dev, &pages, first, samples);
		put_dax(dax_dev);
		if (!err && copy_to_user(u64_to_user_ptr(pages.samples), samples,
					 array_size(pages.count, sizeof(*samples))))
			err = -EFAULT;
	} else {
		err = -EOPNOTSUPP;
	}
	kvfree(samples);
	kvfree(list);
	return err;
}

static int bench_hold(struct list_head *all, int fd)
{
	struct held *held = kzalloc(sizeof(*held), GFP_KERNEL);
	u64 start;

	if (!held)
		return -ENOMEM;
	held->dax_dev = dax_of(fd, &start, held);
	if (!held->dax_dev) {
		kfree(held);
		return -EBUSY;
	}
	list_add(&held->node, all);
	return 0;
}

static long bench_ioctl(struct file *file, unsigned int cmd, unsigned long number)
{
	void __user *arg = (void __user *)number;
	long err;
	s32 fd;

	mutex_lock(&bench_mutex);
	switch (cmd) {
	case DAXBENCH_ACCESS:
	case DAXBENCH_ADDRESS:
	case DAXBENCH_FAIL:
	case DAXBENCH_GONE:
		err = bench_pages(cmd, arg);
		break;
	case DAXBENCH_HOLD:
		err = get_user(fd, (s32 __user *)arg);
		if (!err)
			err = bench_hold(file->private_data, fd);
		break;
	case DAXBENCH_MASK:
		mask(number);
		err = 0;
		break;
	default:
		err = -ENOTTY;
	}
	mutex_unlock(&bench_mutex);
	return err;
}

static int bench_open(struct inode *inode, struct file *file)
{
	struct list_head *held = kmalloc(sizeof(*held), GFP_KERNEL);

	if (!held)
		return -ENOMEM;
	INIT_LIST_HEAD(held);
	file->private_data = held;
	return 0;
}

static int bench_release(struct inode *inode, struct file *file)
{
	struct list_head *all = file->private_data;
	struct held *held, *next;

	mask(0);
	list_for_each_entry_safe(held, next, all, node) {
		fs_put_dax(held->dax_dev, held);
		kfree(held);
	}
	kfree(all);
	return 0;
}

static const struct file_operations bench_fops = {
	.owner = THIS_MODULE,
	.open = bench_open,
	.release = bench_release,
	.unlocked_ioctl = bench_ioctl,
};

static struct miscdevice bench_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "daxbench",
	.fops = &bench_fops,
	.mode = 0600,
};

/*
 * fs_put_dax() does not wait for a failure that is about to enter our handler, so unload the
 * module only when no failure is in flight.
 */
module_misc_device(bench_device);

MODULE_DESCRIPTION("Test module: counts what lookups and failures cost");
MODULE_AUTHOR("The dm-daxlinear developers");
MODULE_LICENSE("GPL");
