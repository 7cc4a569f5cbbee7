// SPDX-License-Identifier: GPL-2.0
/* Commands that use one address for all pages requested, as copy-on-write does. */
#include <linux/crc32.h>
#include <linux/dax.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "command.h"
#include "node.h"

struct use {
	struct device_node *node;
	u64 off;
	u64 pages;
	void *page;	/* the one that is being read */
	long crc;
};

static int parse_use(char **line, struct use *use)
{
	int err;

	use->node = node_named(line);
	if (IS_ERR(use->node))
		return PTR_ERR(use->node);
	err = parse_u64(line, &use->off);
	if (!err)
		err = parse_u64(line, &use->pages);
	if (err)
		node_put(use->node);
	return err;
}

static long get_address(const struct use *use, enum dax_access_mode mode, void **addr)
{
	return dax_direct_access(use->node->dax_dev, use->off >> PAGE_SHIFT, use->pages, mode,
				 addr, NULL);
}

/* An invalid address is an error here, not an oops. */
static long sum(struct use *use, const char *addr)
{
	u32 crc = ~0;
	u64 i;

	for (i = 0; i < use->pages; i++) {
		if (copy_from_kernel_nofault(use->page, addr + (i << PAGE_SHIFT), PAGE_SIZE))
			return -EFAULT;
		crc = crc32(crc, use->page, PAGE_SIZE);
	}
	use->crc = crc ^ ~0U;
	return 0;
}

/* As fs/dax.c reads and writes: inside dax_read_lock(), and it may sleep. */
static long sum_locked(struct use *use, enum dax_access_mode mode, u64 ms)
{
	long nr, err = 0;
	void *addr;
	int id;

	id = dax_read_lock();
	nr = get_address(use, mode, &addr);
	if (nr > 0) {
		if (ms)
			msleep(ms);
		err = sum(use, addr);
	}
	dax_read_unlock(id);
	return err ?: nr;
}

/* As a fault of fs/dax.c copies: after dax_read_unlock(), without a sleep. */
static long sum_unlocked(struct use *use, u64 ms)
{
	long nr, err = 0;
	void *addr;
	int id;

	id = dax_read_lock();
	nr = get_address(use, DAX_ACCESS, &addr);
	dax_read_unlock(id);
	if (nr > 0) {
		for (; ms; ms--)
			mdelay(1);
		err = sum(use, addr);
	}
	return err ?: nr;
}

static long sum_by(struct use *use, const char *how, u64 ms)
{
	if (!strcmp(how, "locked"))
		return sum_locked(use, DAX_ACCESS, ms);
	if (!strcmp(how, "recovery"))
		return sum_locked(use, DAX_RECOVERY_WRITE, ms);
	if (!strcmp(how, "unlocked"))
		return sum_unlocked(use, ms);
	return -EINVAL;
}

int do_sum(struct control *control, char *line)
{
	const char *how;
	struct use use;
	u64 ms = 0;
	int err;
	long nr;

	err = parse_use(&line, &use);
	if (err)
		return err;
	how = strsep(&line, " ") ?: "locked";
	if (line)
		err = parse_u64(&line, &ms);
	use.page = kmalloc(PAGE_SIZE, GFP_KERNEL);
	if (!use.page)
		err = -ENOMEM;
	if (err)
		goto put;
	nr = sum_by(&use, how, ms);
	err = answer(control, use.node->dev, use.off, nr > 0 ? use.crc : nr, max(nr, 0L));
put:
	kfree(use.page);
	node_put(use.node);
	return err;
}

int do_fill(struct control *control, char *line)
{
	struct use use;
	int err, id, byte;
	void *addr;
	long nr;

	err = parse_use(&line, &use);
	if (err)
		return err;
	err = parse_int(&line, &byte);
	if (!err) {
		id = dax_read_lock();
		nr = get_address(&use, DAX_ACCESS, &addr);
		if (nr > 0)
			memset(addr, byte, use.pages << PAGE_SHIFT);
		dax_read_unlock(id);
		err = nr < 0 ? nr : 0;
	}
	node_put(use.node);
	return err;
}
