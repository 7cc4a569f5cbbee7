// SPDX-License-Identifier: GPL-2.0
/*
 * The files of a record, in the directory of its child.
 * Documentation/ABI/sysfs-class-dax-holder describes them.
 */
#include <linux/bitops.h>
#include <linux/capability.h>
#include <linux/device.h>
#include <linux/kdev_t.h>
#include <linux/kstrtox.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "compat.h"
#include "record.h"
#include "record_files.h"
#include "stats.h"

/*
 * Length of a line of events.  All are as long, with blanks at the end: a failure that comes
 * between two reads of a page moves no line into the middle of another.
 */
#define EVENT_LEN	128

static const char *const flag_names[] = { "gone", "soft", "injected", "overflow", "shutdown" };

/* The part of a text that one read() gets. */
struct piece {
	char *buf;
	size_t room;
	u64 skip;	/* characters of the text before it */
};

/* Add a line of the text.  Returns false if the piece is full. */
static __printf(2, 3) bool add_line(struct piece *piece, const char *fmt, ...)
{
	size_t len, skip;
	char line[EVENT_LEN + 1];
	va_list args;

	va_start(args, fmt);
	len = vscnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	skip = min_t(u64, piece->skip, len);
	len = min(len - skip, piece->room);
	memcpy(piece->buf, line + skip, len);
	piece->skip -= skip;
	piece->buf += len;
	piece->room -= len;
	return piece->room;
}

static ssize_t record_read(struct file *file, struct kobject *kobj, binary_attribute *attr,
			   char *buf, loff_t off, size_t count)
{
	struct dxh_record *record = dev_get_drvdata(kobj_to_dev(kobj));
	struct piece piece = { .buf = buf, .room = count, .skip = off };
	u64 start, end;

	for (end = 0; dxh_record_range(record, end, &start, &end);)
		if (!add_line(&piece, "%llu %llu\n", start, end - start))
			break;
	return piece.buf - buf;
}

static const char *result_text(int result, char *text, size_t size)
{
	if (result == DXH_PENDING)
		return "pending";
	if (result == DXH_UNUSED)
		return "unused";
	if (result == -EOPNOTSUPP)
		return "generic";
	if (dxh_handled(result))
		return "handled";
	snprintf(text, size, "%d", result);
	return text;
}

static const char *flags_text(unsigned long flags, char *text, size_t size)
{
	size_t len = 0, i;

	for_each_set_bit(i, &flags, ARRAY_SIZE(flag_names))
		len += scnprintf(text + len, size - len, "%s%s", len ? "," : "", flag_names[i]);
	return len ? text : "-";
}

static ssize_t events_read(struct file *file, struct kobject *kobj, binary_attribute *attr,
			   char *buf, loff_t off, size_t count)
{
	struct dxh_record *record = dev_get_drvdata(kobj_to_dev(kobj));
	struct piece piece = { .buf = buf, .room = count, .skip = off % EVENT_LEN };
	u64 number = READ_ONCE(record->failures);
	char text[EVENT_LEN], result[16], flags[64];
	struct dxh_entry entry;

	number -= min_t(u64, number, DXH_ENTRIES);
	for (number += off / EVENT_LEN; dxh_record_entry(record, number, &entry); number++) {
		scnprintf(text, sizeof(text), "%llu %llu %llu %llu %s %s", entry.seq,
			  entry.time_ns, entry.sector, entry.sectors,
			  result_text(entry.result, result, sizeof(result)),
			  flags_text(entry.flags, flags, sizeof(flags)));
		if (!add_line(&piece, "%-*s\n", EVENT_LEN - 1, text))
			break;
	}
	return piece.buf - buf;
}

static ssize_t seq_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	const struct dxh_record *record = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%llu\n", READ_ONCE(record->seq));
}
static DEVICE_ATTR_RO(seq);

static ssize_t failures_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	const struct dxh_record *record = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%llu\n", READ_ONCE(record->failures));
}
static DEVICE_ATTR_RO(failures);

static ssize_t overflow_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	const struct dxh_record *record = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%llu\n", READ_ONCE(record->overflow));
}
static DEVICE_ATTR_RO(overflow);

static ssize_t gone_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	const struct dxh_record *record = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%d\n", READ_ONCE(record->gone));
}
static DEVICE_ATTR_RO(gone);

static ssize_t dev_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	const struct dxh_record *record = dev_get_drvdata(dev);
	dev_t number = READ_ONCE(record->dev);

	return sysfs_emit(buf, "%u:%u\n", MAJOR(number), MINOR(number));
}
static DEVICE_ATTR_RO(dev);

/* Parse "SECTOR COUNT" or "all". */
static int parse_range(const struct dxh_record *record, const char *buf, u64 *sector,
		       u64 *sectors)
{
	u64 size = record->pages << (PAGE_SHIFT - SECTOR_SHIFT);
	const char *blank = strchrnul(buf, ' ');
	char word[24];

	*sector = 0;
	*sectors = size;
	if (sysfs_streq(buf, "all"))
		return 0;
	if (!*blank || blank - buf >= sizeof(word))
		return -EINVAL;
	strscpy(word, buf, blank - buf + 1);
	if (kstrtou64(word, 10, sector) || kstrtou64(blank + 1, 10, sectors))
		return -EINVAL;
	if (!*sectors || *sector >= size || *sectors > size - *sector)
		return -EINVAL;
	return 0;
}

static ssize_t clear_store(struct device *dev, struct device_attribute *attr, const char *buf,
			   size_t count)
{
	struct dxh_record *record = dev_get_drvdata(dev);
	u64 sector, sectors;

	/* A container may have write access to the file. */
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (strlen(buf) != count || parse_range(record, buf, &sector, &sectors))
		return -EINVAL;
	return dxh_record_remove(record, sector, sectors) ? count : -ENOSPC;
}
static DEVICE_ATTR_WO(clear);

static struct attribute *record_attrs[] = {
	&dev_attr_seq.attr,
	&dev_attr_failures.attr,
	&dev_attr_overflow.attr,
	&dev_attr_gone.attr,
	&dev_attr_dev.attr,
	&dev_attr_clear.attr,
	NULL
};

/* Their size is 0, so that reads are not cut. */
static BIN_ATTR_RO(record, 0);
static BIN_ATTR_RO(events, 0);

static binary_attribute *record_bin_attrs[] = {
	&bin_attr_record,
	&bin_attr_events,
	NULL
};

static const struct attribute_group record_group = {
	.attrs = record_attrs,
	.bin_attrs = record_bin_attrs,
};

const struct attribute_group *dxh_record_groups[] = { &record_group, NULL };
