// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "util/alloc.h"
#include "sys/sysfs.h"

#define BLOCK	"/sys/dev/block/%u:%u"

/* The content of a small file, without the last newline; NULL if it can't be read. */
char *read_text(const char *format, ...)
{
	char *path, *text = NULL;
	size_t room = 0;
	va_list arguments;
	ssize_t length;
	FILE *file;
	int err;

	va_start(arguments, format);
	path = format_arguments(format, arguments);
	va_end(arguments);
	file = fopen(path, "re");
	free(path);
	if (!file)
		return NULL;
	errno = 0;
	length = getdelim(&text, &room, '\0', file);
	err = errno;
	fclose(file);
	if (length < 0) {
		free(text);
		errno = err;
		/* Tell an empty file from one that can't be read. */
		return err ? NULL : copy_text("");
	}
	if (length && text[length - 1] == '\n')
		text[length - 1] = '\0';
	return text;
}

static uint64_t read_number(const char *path, dev_t dev)
{
	char *text = read_text(BLOCK "/%s", major(dev), minor(dev), path);
	uint64_t number = text ? strtoull(text, NULL, 10) : 0;

	free(text);
	return number;
}

/* Read "major:minor". */
bool device_number(const char *text, dev_t *dev)
{
	unsigned int major, minor;
	char rest;

	if (sscanf(text, "%u:%u%c", &major, &minor, &rest) != 2)
		return false;
	*dev = makedev(major, minor);
	return true;
}

/* Whether the device exists.  It ceases to when its driver is unbound. */
bool block_exists(dev_t dev)
{
	char *path = format_text(BLOCK, major(dev), minor(dev));
	bool exists = !access(path, F_OK);

	free(path);
	return exists;
}

/* The kernel's name, or major:minor if the device is gone. */
char *block_name(dev_t dev)
{
	char *path = format_text(BLOCK, major(dev), minor(dev)), target[PATH_MAX];
	ssize_t length = readlink(path, target, sizeof(target) - 1);

	free(path);
	if (length < 0)
		return format_text("%u:%u", major(dev), minor(dev));
	target[length] = '\0';
	return copy_text(strrchr(target, '/') + 1);
}

/* The path to show users: /dev/mapper/NAME, /dev/NAME, or major:minor if the device is gone. */
char *block_path(dev_t dev)
{
	char *mapped = read_text(BLOCK "/dm/name", major(dev), minor(dev)), *name, *path;

	if (mapped) {
		path = format_text("/dev/mapper/%s", mapped);
		free(mapped);
		return path;
	}
	if (!block_exists(dev))
		return block_name(dev);
	name = block_name(dev);
	path = format_text("/dev/%s", name);
	free(name);
	return path;
}

uint64_t block_sectors(dev_t dev)
{
	return read_number("size", dev);
}

/* The size of the logical sectors of a disk. */
unsigned int block_sector_bytes(dev_t dev)
{
	return read_number("queue/logical_block_size", dev);
}

/* Where a partition starts on its disk, in sectors; 0 for a disk. */
uint64_t block_start(dev_t dev)
{
	return read_number("start", dev);
}

/* The disk of a partition, or the device itself. */
dev_t block_disk(dev_t dev)
{
	char *text = NULL;
	dev_t disk = dev;

	if (read_number("partition", dev)) {
		text = read_text(BLOCK "/../dev", major(dev), minor(dev));
		if (text)
			device_number(text, &disk);
	}
	free(text);
	return disk;
}

bool block_has_dax(dev_t dev)
{
	return read_number("queue/dax", block_disk(dev));
}

/* Whether it is a mapped device. */
bool block_is_mapped(dev_t dev)
{
	char *path = format_text(BLOCK "/dm", major(dev), minor(dev));
	bool is_mapped = !access(path, F_OK);

	free(path);
	return is_mapped;
}
