// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/class/dax-holder: orders to attach and detach, a directory a child, and
 * in it one for each parent that is attached.  What the files say is written in
 * Documentation/ABI/sysfs-class-dax-holder.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/device.h>
#include <linux/kstrtox.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "attach.h"
#include "compat.h"

static ssize_t show_count(const atomic64_t *count, char *buf)
{
	return sysfs_emit(buf, "%lld\n", atomic64_read(count));
}

static ssize_t received_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return show_count(&to_attachment(kobj)->account->received, buf);
}

static struct kobj_attribute received = __ATTR_RO(received);

static ssize_t forwarded_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return show_count(&to_attachment(kobj)->account->forwarded, buf);
}

static struct kobj_attribute forwarded = __ATTR_RO(forwarded);

static ssize_t handled_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return show_count(&to_attachment(kobj)->account->handled, buf);
}

static struct kobj_attribute handled = __ATTR_RO(handled);

static ssize_t last_sector_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	u64 bytes = atomic64_read(&to_attachment(kobj)->account->last_bytes);

	if (bytes == U64_MAX)
		return sysfs_emit(buf, "-\n");
	return sysfs_emit(buf, "%llu\n", bytes >> SECTOR_SHIFT);
}

static struct kobj_attribute last_sector = __ATTR_RO(last_sector);

static ssize_t alive_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", !attachment_dead(to_attachment(kobj)));
}

static struct kobj_attribute alive = __ATTR_RO(alive);

static ssize_t mapped_bytes_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%llu\n", attachment_mapped_bytes(to_attachment(kobj)));
}

static struct kobj_attribute mapped_bytes = __ATTR_RO(mapped_bytes);

static struct attribute *attachment_attrs[] = {
	&received.attr,
	&forwarded.attr,
	&handled.attr,
	&last_sector.attr,
	&alive.attr,
	&mapped_bytes.attr,
	NULL
};

static const struct attribute_group attachment_group = { .attrs = attachment_attrs };

const struct attribute_group *attachment_groups[] = { &attachment_group, NULL };

/* The next word of an order: MAJOR:MINOR. */
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
	return take_order(buf, count, attachment_make);
}
static CLASS_ATTR_WO(attach);

static ssize_t detach_store(class_const struct class *class,
			    class_const struct class_attribute *attr,
			    const char *buf, size_t count)
{
	return take_order(buf, count, attachment_remove);
}
static CLASS_ATTR_WO(detach);

static struct attribute *class_attrs[] = {
	&class_attr_attach.attr,
	&class_attr_detach.attr,
	NULL
};

static const struct attribute_group class_group = { .attrs = class_attrs };

static const struct attribute_group *class_groups[] = { &class_group, NULL };

static struct class dax_holder_class = {
	.name = "dax-holder",
	.class_groups = class_groups,
};

int dir_get(struct slot *slot)
{
	struct device *dir;

	if (!slot->dir_users) {
		dir = device_create(&dax_holder_class, NULL, MKDEV(0, 0), NULL, "%s", slot->name);
		if (IS_ERR(dir))
			return PTR_ERR(dir);
		slot->dir = dir;
	}
	slot->dir_users++;
	return 0;
}

void dir_put(struct slot *slot)
{
	if (!--slot->dir_users)
		device_unregister(slot->dir);
}

int class_init(void)
{
	return class_register(&dax_holder_class);
}

void class_exit(void)
{
	class_unregister(&dax_holder_class);
}
