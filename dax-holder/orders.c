// SPDX-License-Identifier: GPL-2.0
/*
 * The writable files of /sys/class/dax-holder, attach and detach.  A line that is written to one
 * of them is an order.
 */
#include <linux/capability.h>
#include <linux/device.h>
#include <linux/kdev_t.h>
#include <linux/kstrtox.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "attach.h"
#include "compat.h"
#include "orders.h"
#include "sysfs.h"

/* Parse the next word of an order, MAJOR:MINOR. */
static int parse_number(char **words, dev_t *dev)
{
	char *major = strsep(words, " "), *minor = major;
	unsigned int ma, mi;

	strsep(&minor, ":");
	if (!major || !minor || kstrtouint(major, 10, &ma) || kstrtouint(minor, 10, &mi))
		return -EINVAL;
	*dev = MKDEV(ma, mi);
	if (MAJOR(*dev) != ma || MINOR(*dev) != mi)
		return -EINVAL;
	return 0;
}

static ssize_t take_order(const char *buf, size_t count, int (*order)(dev_t parent, dev_t child))
{
	dev_t parent, child;
	char *text, *words;
	int err;

	/* As device-mapper requires.  A container may have write access to the file. */
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (strlen(buf) != count)
		return -EINVAL;
	text = kstrdup(buf, GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	words = strim(text);
	err = parse_number(&words, &parent) ?: parse_number(&words, &child);
	if (!err && words)
		err = -EINVAL;
	kfree(text);
	return err ?: order(parent, child) ?: count;
}

static ssize_t attach_store(class_const struct class *class,
			    class_const struct class_attribute *attr,
			    const char *buf, size_t count)
{
	return take_order(buf, count, dxh_attach);
}
static CLASS_ATTR_WO(attach);

static ssize_t detach_store(class_const struct class *class,
			    class_const struct class_attribute *attr,
			    const char *buf, size_t count)
{
	return take_order(buf, count, dxh_detach);
}
static CLASS_ATTR_WO(detach);

int dxh_orders_init(void)
{
	int err = class_create_file(&dxh_class, &class_attr_attach);

	if (err)
		return err;
	err = class_create_file(&dxh_class, &class_attr_detach);
	if (err)
		class_remove_file(&dxh_class, &class_attr_attach);
	return err;
}

void dxh_orders_exit(void)
{
	/* Waits for writers.  After that nothing new can be attached. */
	class_remove_file(&dxh_class, &class_attr_attach);
	class_remove_file(&dxh_class, &class_attr_detach);
	dxh_detach_all();
}
