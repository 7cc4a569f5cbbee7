// SPDX-License-Identifier: GPL-2.0
/*
 * The directories of /sys/class/dax-holder, one for each child, and the files of the parents
 * attached to it.  Documentation/ABI/sysfs-class-dax-holder describes them.
 */
#include <linux/device.h>
#include <linux/sysfs.h>

#include "live.h"
#include "record.h"
#include "sysfs.h"

static ssize_t show_count(const atomic64_t *count, char *buf)
{
	return sysfs_emit(buf, "%lld\n", atomic64_read(count));
}

static ssize_t received_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return show_count(&to_attachment(kobj)->stats->received, buf);
}

static struct kobj_attribute received = __ATTR_RO(received);

static ssize_t forwarded_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return show_count(&to_attachment(kobj)->stats->forwarded, buf);
}

static struct kobj_attribute forwarded = __ATTR_RO(forwarded);

static ssize_t handled_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return show_count(&to_attachment(kobj)->stats->handled, buf);
}

static struct kobj_attribute handled = __ATTR_RO(handled);

static ssize_t generic_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return show_count(&to_attachment(kobj)->stats->generic, buf);
}

static struct kobj_attribute generic = __ATTR_RO(generic);

static ssize_t last_sector_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	u64 bytes = atomic64_read(&to_attachment(kobj)->stats->last_bytes);

	if (bytes == U64_MAX)
		return sysfs_emit(buf, "-\n");
	return sysfs_emit(buf, "%llu\n", bytes >> SECTOR_SHIFT);
}

static struct kobj_attribute last_sector = __ATTR_RO(last_sector);

static ssize_t alive_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	const struct dxh_attachment *attachment = to_attachment(kobj);

	return sysfs_emit(buf, "%d\n", dxh_alive(attachment->parent) &&
			  dxh_alive(attachment->child));
}

static struct kobj_attribute alive = __ATTR_RO(alive);

static struct attribute *attachment_attrs[] = {
	&received.attr,
	&forwarded.attr,
	&handled.attr,
	&generic.attr,
	&last_sector.attr,
	&alive.attr,
	NULL
};

static const struct attribute_group attachment_group = { .attrs = attachment_attrs };

const struct attribute_group *dxh_attachment_groups[] = { &attachment_group, NULL };

struct class dxh_class = {
	.name = "dax-holder",
};

/*
 * Get the child's directory: that of its record, which stays, or one that exists while it
 * contains an attachment.  The caller holds attach_mutex.
 */
int dxh_dir_get(struct dxh_device *child)
{
	struct device *dir;

	if (child->record) {
		child->dir = child->record->dir;
	} else if (!child->dir_users) {
		dir = device_create(&dxh_class, NULL, MKDEV(0, 0), NULL, "%s", child->name);
		if (IS_ERR(dir))
			return PTR_ERR(dir);
		child->dir = dir;
	}
	child->dir_users++;
	return 0;
}

void dxh_dir_put(struct dxh_device *child)
{
	if (!--child->dir_users && !child->record)
		device_unregister(child->dir);
}
