// SPDX-License-Identifier: GPL-2.0
/* Opens children and refuses those that cannot be used. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "util/alloc.h"
#include "device/child.h"
#include "device/claim.h"
#include "device/huge.h"
#include "sys/nd.h"
#include "sys/pages.h"
#include "util/say.h"
#include "sys/blkid.h"
#include "util/size.h"
#include "sys/sysfs.h"

static void refuse_without_dax(const struct child *child)
{
	char *disk = block_name(block_disk(child->dev));
	struct pmem pmem;

	if (nd_find(disk, &pmem))
		die(EXIT_FAILED, "%s has no DAX, its namespace is in %s mode: ndctl create-namespace -f -e %s -m fsdax changes that, and loses what is on it",
		    child->given, pmem.mode, pmem.namespace);
	die(EXIT_FAILED, "%s has no DAX: give persistent memory in fsdax mode", child->given);
}

/* Persistent memory in devdax mode is a character device, /dev/dax0.0. */
static void refuse_devdax(const char *given, dev_t dev)
{
	char *namespace = read_text("/sys/dev/char/%u:%u/../namespace", major(dev), minor(dev));

	if (namespace)
		die(EXIT_FAILED, "%s is no block device, its namespace is in devdax mode: ndctl create-namespace -f -e %s -m fsdax makes it one, and loses what is on it",
		    given, namespace);
}

/* Open a child.  Refuse what is no block device with DAX. */
void child_open(struct child *child)
{
	struct stat status;

	child->fd = open(child->given, O_RDONLY | O_CLOEXEC);
	if (child->fd < 0 || fstat(child->fd, &status))
		die(EXIT_FAILED, "%s: %s", child->given, strerror(errno));
	if (S_ISCHR(status.st_mode))
		refuse_devdax(child->given, status.st_rdev);
	if (!S_ISBLK(status.st_mode))
		die(EXIT_FAILED, "%s is no block device", child->given);
	child->dev = status.st_rdev;
	child->size_sectors = block_sectors(child->dev);
	if (!block_has_dax(child->dev))
		refuse_without_dax(child);
}

/* A label is on a whole disk, which has room for it. */
static void refuse_unlabelled(const struct children *children, const struct child *child)
{
	uint64_t bytes = children->front_bytes + children->back_bytes;
	bool is_mapped = block_is_mapped(child->dev);
	char text[2][SIZE_TEXT_LEN];

	if (is_mapped || block_disk(child->dev) != child->dev)
		die(EXIT_FAILED, "%s is a %s, and only a whole device of persistent memory can have a label: create --no-label makes a device of others",
		    child->given, is_mapped ? "mapped device" : "partition");
	if (child->size_sectors * SECTOR <= bytes)
		die(EXIT_FAILED, "%s is %s, and a label needs %s: leave it out, or say --no-label",
		    child->given, size_text(child->size_sectors * SECTOR, text[0]),
		    size_text(bytes, text[1]));
	if (child->has_offset && child->offset_sectors * SECTOR < children->front_bytes)
		die(EXIT_USAGE, "%s: --offset: the label needs %s in front of the data, or say --no-label",
		    child->given, size_text(children->front_bytes, text[0]));
}

/* Set the range that is used of a child, before it is trimmed. */
static void find_range(const struct children *children, struct child *child)
{
	uint64_t front = children->front_bytes / SECTOR, end, left;
	char text[2][SIZE_TEXT_LEN];

	end = child->size_sectors - children->back_bytes / SECTOR;
	if (!child->has_offset)
		child->offset_sectors = huge_pad_sectors(child->dev);
	while (!child->has_offset && child->offset_sectors < front)
		child->offset_sectors += huge_page_bytes() / SECTOR;
	/* A child may have no huge page at all. */
	if (!child->has_offset && child->offset_sectors >= end)
		child->offset_sectors = front;
	if (child->offset_sectors >= end)
		die(EXIT_FAILED, "%s ends at %s: there is nothing from %s on", child->given,
		    size_text(end * SECTOR, text[0]),
		    size_text(child->offset_sectors * SECTOR, text[1]));
	left = end - child->offset_sectors;
	if (!child->has_len)
		child->len_sectors = left - left % (page_bytes() / SECTOR);
	if (child->len_sectors > left)
		die(EXIT_FAILED, "%s: %s from the offset on reach past its end, %s are left",
		    child->given, size_text(child->len_sectors * SECTOR, text[0]),
		    size_text(left * SECTOR, text[1]));
}

/* Return whether two ranges overlap, by their places on the disk that partitions share. */
static bool overlap(dev_t dev_a, uint64_t a, uint64_t len_a, dev_t dev_b, uint64_t b,
		    uint64_t len_b)
{
	if (block_disk(dev_a) != block_disk(dev_b))
		return false;
	a += block_start(dev_a);
	b += block_start(dev_b);
	return a < b + len_b && b < a + len_a;
}

/* Find a mapped device that maps a part of a range, or NULL. */
static const char *find_user(const struct stack *stack, dev_t dev, uint64_t offset, uint64_t len)
{
	size_t i, j;

	for (i = 0; i < stack->nr; i++) {
		const struct layout *layout = &stack->devices[i].layout;

		for (j = 0; j < layout->nr; j++) {
			const struct segment *segment = &layout->segments[j];

			if (overlap(dev, offset, len, segment->dev, segment->offset_sectors,
				    segment->len_sectors))
				return stack->devices[i].name;
		}
	}
	return NULL;
}

static void refuse_used(const struct children *children, const struct child *child,
			const struct stack *stack)
{
	const char *user = find_user(stack, child->dev, child->offset_sectors,
				     child->len_sectors);
	int fd;

	/* A filesystem on a device that maps a range twice overwrites itself. */
	if (user && children->own && !strcmp(user, children->own))
		die(EXIT_FAILED, "%s: %s has a part of what would be used already%s", child->given,
		    user, children->own_hint ?: "");
	if (user && !children->force)
		die(EXIT_FAILED, "%s: %s has a part of what would be used: say --offset and --len, or --force if both may have it",
		    child->given, user);
	/* device-mapper has opened the child exclusively, and shares it among mapped devices. */
	if (find_user(stack, child->dev, 0, child->size_sectors))
		return;
	fd = open(child->given, O_RDONLY | O_EXCL | O_CLOEXEC);
	if (fd < 0)
		die(EXIT_FAILED, "%s: %s%s", child->given, strerror(errno),
		    errno == EBUSY ? ": lsblk shows what uses it or one of its partitions" : "");
	close(fd);
}

/*
 * What is in the place of the data stays if a device is made; after an extend, the filesystem that
 * grows overwrites it.
 */
static void refuse_in_range(const struct children *children, const struct child *child)
{
	uint64_t at = child->offset_sectors * SECTOR, len = child->len_sectors * SECTOR;
	char *found = signature_find(child->fd, at, len);

	if (found && children->own)
		die(EXIT_FAILED, "%s holds %s from %ju on, which %s would overwrite: blkdiscard --force --zeroout --offset %ju --length 1MiB %s erases it",
		    child->given, found, (uintmax_t)at, children->own, (uintmax_t)at, child->given);
	if (found)
		note("%s holds %s in the place of the data, and keeps it", child->given, found);
}

/* A label overwrites the start of the disk and that of its partition. */
static void refuse_under_label(const struct children *children, const struct child *child)
{
	uint64_t at = child->offset_sectors * SECTOR, len = child->len_sectors * SECTOR;
	char *found = signature_find(child->fd, 0, child->size_sectors * SECTOR) ?:
		      signature_find(child->fd, at - children->gap_bytes,
				     len + children->gap_bytes);

	if (found)
		die(EXIT_FAILED, "%s holds %s, which the label of a member would overwrite: %s%swipefs -a %s erases it",
		    child->given, found, children->new_hint ?: "", children->own ? "" :
		    "create --no-label --force keeps that and uses the device as it is; ",
		    child->given);
	refuse_in_range(children, child);
}

static void refuse_signature(const struct children *children, const struct child *child,
			     const struct stack *stack)
{
	char *found = NULL;

	/* A signature in a sector that a mapped device maps belongs to that device. */
	if (!find_user(stack, child->dev, 0, 1))
		found = signature_find(child->fd, 0, child->size_sectors * SECTOR);
	if (!found)
		found = signature_find(child->fd, child->offset_sectors * SECTOR,
				       child->len_sectors * SECTOR);
	if (!found)
		return;
	if (children->own)
		die(EXIT_FAILED, "%s holds %s, which %s would overwrite: wipefs -a %s erases it, --force uses the device all the same",
		    child->given, found, children->own, child->given);
	die(EXIT_FAILED, "%s holds %s: %s--force keeps that and uses the device as it is; wipefs -a %s erases it",
	    child->given, found, children->new_hint ?: "", child->given);
}

static void refuse_twice(const struct children *children, size_t last)
{
	const struct child *a = &children->children[last], *b;
	size_t i;

	for (i = 0; i < last; i++) {
		b = &children->children[i];
		if (children->front_bytes && a->dev == b->dev)
			die(EXIT_USAGE, "%s is there twice, and a label describes one range: give it once, or say --no-label",
			    a->given);
		if (overlap(a->dev, a->offset_sectors, a->len_sectors, b->dev, b->offset_sectors,
			    b->len_sectors))
			die(EXIT_USAGE, "%s and %s would use the same place", b->given, a->given);
	}
}

/* Open all children.  Refuse one that cannot be used. */
void children_open(struct children *children, const struct stack *stack)
{
	size_t i;

	for (i = 0; i < children->nr; i++) {
		struct child *child = &children->children[i];

		child_open(child);
		claim_refuse(child->dev, child->given);
		if (children->front_bytes)
			refuse_unlabelled(children, child);
		find_range(children, child);
		refuse_twice(children, i);
		refuse_used(children, child, stack);
		if (children->force || children->known || child->may_overwrite)
			continue;
		if (child->used_sectors)
			refuse_in_range(children, child);
		else if (children->front_bytes)
			refuse_under_label(children, child);
		else
			refuse_signature(children, child, stack);
	}
}
