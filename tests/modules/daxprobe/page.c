// SPDX-License-Identifier: GPL-2.0
/* Commands that use a device's pages as a filesystem does. */
#include <linux/dax.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/pfn_t.h>
#include <linux/sizes.h>
#include <linux/uio.h>

#include "command.h"
#include "node.h"

static int lookup(struct control *control, char *line, enum dax_access_mode mode)
{
	struct device_node *node = node_named(&line);
	u64 off, pages = 1;
	pfn_t pfn;
	int err, id;
	long nr;

	if (IS_ERR(node))
		return PTR_ERR(node);
	err = parse_u64(&line, &off);
	if (!err && line)
		err = parse_u64(&line, &pages);
	if (err)
		goto put;

	id = dax_read_lock();
	nr = dax_direct_access(node->dax_dev, off >> PAGE_SHIFT, pages, mode, NULL, &pfn);
	dax_read_unlock(id);
	if (nr <= 0)
		err = answer(control, node->dev, off, nr, 0);
	else
		err = answer(control, node->dev, off, pfn_t_to_pfn(pfn), nr);
put:
	node_put(node);
	return err;
}

int do_phys(struct control *control, char *line)
{
	return lookup(control, line, DAX_RECOVERY_WRITE);
}

int do_access(struct control *control, char *line)
{
	return lookup(control, line, DAX_ACCESS);
}

int do_synchronous(struct control *control, char *line)
{
	struct device_node *node = node_named(&line);
	int err;

	if (IS_ERR(node))
		return PTR_ERR(node);
	err = answer(control, node->dev, 0, dax_synchronous(node->dax_dev), 0);
	node_put(node);
	return err;
}

int do_zero(struct control *control, char *line)
{
	struct device_node *node = node_named(&line);
	int err, id;
	u64 off;

	if (IS_ERR(node))
		return PTR_ERR(node);
	err = parse_u64(&line, &off);
	if (!err) {
		id = dax_read_lock();
		err = dax_zero_page_range(node->dax_dev, off >> PAGE_SHIFT, 1);
		dax_read_unlock(id);
	}
	node_put(node);
	return err;
}

/* Do what dax_iomap_iter() does at a bad page. */
static ssize_t recover(struct dax_device *dax_dev, u64 off, struct kvec *vec)
{
	struct iov_iter iter;
	void *addr;
	long nr;
	int id;

	iov_iter_kvec(&iter, WRITE, vec, 1, vec->iov_len);
	id = dax_read_lock();
	nr = dax_direct_access(dax_dev, off >> PAGE_SHIFT, 1, DAX_RECOVERY_WRITE, &addr, NULL);
	if (nr > 0)
		nr = dax_recovery_write(dax_dev, off >> PAGE_SHIFT,
					(char *)addr + offset_in_page(off), vec->iov_len, &iter);
	dax_read_unlock(id);
	return nr;
}

int do_recover(struct control *control, char *line)
{
	struct device_node *node = node_named(&line);
	int err, byte = 0;
	struct kvec vec;
	u64 off, len;

	if (IS_ERR(node))
		return PTR_ERR(node);
	err = parse_u64(&line, &off);
	if (!err)
		err = parse_u64(&line, &len);
	if (!err)
		err = parse_int(&line, &byte);
	if (!err && len > SZ_1M)
		err = -EINVAL;
	if (err)
		goto put;
	vec.iov_len = len;
	vec.iov_base = kvmalloc(len, GFP_KERNEL);
	if (vec.iov_base) {
		memset(vec.iov_base, byte, len);
		err = answer(control, node->dev, off, recover(node->dax_dev, off, &vec), 0);
	} else {
		err = -ENOMEM;
	}
	kvfree(vec.iov_base);
put:
	node_put(node);
	return err;
}
