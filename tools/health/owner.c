// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fsmap.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xfs/xfs.h>

#include "util/alloc.h"
#include "health/owner.h"
#include "util/progress.h"
#include "util/size.h"

/* Records for each ioctl. */
#define NR_RECORDS	1024

#define BLOCK_BYTES_MAX	(64 * KIB)

#define UNKNOWN		"unknown: XFS has no rmapbt"

bool owner_is_unknown(const struct owner *owner)
{
	return !strcmp(owner->what, UNKNOWN);
}

/* Whether the owner is the contents of a file. */
bool owner_is_data(const struct owner *owner)
{
	return owner->inode && !strcmp(owner->what, "data");
}

/* The name of an owner that is no file. */
static const char *special_owner(uint64_t owner)
{
	switch (owner) {
	case XFS_FMR_OWN_FREE:
		return "free space";
	case XFS_FMR_OWN_UNKNOWN:
		return UNKNOWN;
	case XFS_FMR_OWN_FS:
		return "superblock or allocation group header";
	case XFS_FMR_OWN_LOG:
		return "log";
	case XFS_FMR_OWN_AG:
		return "free space or rmap btree";
	case XFS_FMR_OWN_INOBT:
		return "inode btree";
	case XFS_FMR_OWN_INODES:
		return "inodes";
	case XFS_FMR_OWN_REFC:
		return "reference count btree";
	case XFS_FMR_OWN_COW:
		return "copy-on-write staging";
	case XFS_FMR_OWN_DEFECTIVE:
		return "bad blocks";
	}
	return "metadata";
}

static const char *part_of_file(uint32_t flags)
{
	if (flags & FMR_OF_EXTENT_MAP)
		return flags & FMR_OF_ATTR_FORK ? "map of the attributes" : "map of the file";
	return flags & FMR_OF_ATTR_FORK ? "attributes" : "data";
}

/* Add the part of a record that lies in a range. */
static void add_record(struct owners *owners, const struct fsmap *record,
		       const struct span *span)
{
	uint64_t first = record->fmr_physical, last = first + record->fmr_length;
	uint64_t start = span->start_bytes, end = start + span->len_bytes;
	struct owner owner = { .offset_bytes = record->fmr_offset };

	if (first >= end || last <= start)
		return;
	if (first < start) {
		owner.offset_bytes += start - first;
		first = start;
	}
	if (last > end)
		last = end;
	owner.start_bytes = first;
	owner.len_bytes = last - first;
	if (record->fmr_flags & FMR_OF_SPECIAL_OWNER) {
		owner.what = special_owner(record->fmr_owner);
		owner.offset_bytes = 0;
	} else {
		owner.what = part_of_file(record->fmr_flags);
		owner.inode = record->fmr_owner;
	}
	owners->owners = grow(owners->owners, owners->nr, sizeof(owner));
	owners->owners[owners->nr++] = owner;
}

/*
 * Linux 6.1 leaves out the last block of the filesystem where it is free: the free space that it
 * reports last ends a block too early.
 */
static void complete_last(struct fsmap *record, int fd)
{
	struct xfs_fsop_geom geometry;
	uint64_t end = record->fmr_physical + record->fmr_length;

	if (record->fmr_flags & FMR_OF_SPECIAL_OWNER && record->fmr_owner == XFS_FMR_OWN_FREE &&
	    !ioctl(fd, XFS_IOC_FSGEOMETRY, &geometry) &&
	    end + geometry.blocksize == geometry.datablocks * geometry.blocksize)
		record->fmr_length += geometry.blocksize;
}

/**
 * owners_find - find the owners of ranges
 * @owners: Where they are added.
 * @folder: The mount point of the filesystem.
 * @from_bytes: Where the query starts: at the start of an allocation group. Kernels before 6.5, and
 *	before the stable updates of older ones, leave out a record that begins before the query.
 * @spans: The ranges of the device, in order, behind the start of the query.
 * @nr: Their number, at least one.
 *
 * Return: Whether the query succeeded. If not, errno has the error.
 */
bool owners_find(struct owners *owners, const char *folder, uint64_t from_bytes,
		 const struct span *spans, size_t nr)
{
	uint64_t end = spans[nr - 1].start_bytes + spans[nr - 1].len_bytes;
	char text[SIZE_TEXT_LEN];
	struct fsmap_head *head;
	struct stat status;
	bool done = false;
	unsigned int i;
	size_t j;
	int fd, err;

	fd = open(folder, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status))
		return false;
	head = calloc(1, fsmap_sizeof(NR_RECORDS));
	if (!head)
		return false;
	head->fmh_count = NR_RECORDS;
	head->fmh_keys[0].fmr_device = status.st_dev;
	head->fmh_keys[0].fmr_physical = from_bytes;
	head->fmh_keys[1].fmr_device = status.st_dev;
	/* A record of free space ends at the block that has this byte. */
	head->fmh_keys[1].fmr_physical = end + BLOCK_BYTES_MAX;
	head->fmh_keys[1].fmr_owner = ULLONG_MAX;
	head->fmh_keys[1].fmr_offset = ULLONG_MAX;
	head->fmh_keys[1].fmr_flags = UINT_MAX;
	while (!done && !ioctl(fd, FS_IOC_GETFSMAP, head)) {
		for (i = 0; i < head->fmh_entries; i++) {
			if (head->fmh_recs[i].fmr_flags & FMR_OF_LAST)
				complete_last(&head->fmh_recs[i], fd);
			for (j = 0; j < nr; j++)
				add_record(owners, &head->fmh_recs[i], &spans[j]);
		}
		done = !head->fmh_entries ||
		       head->fmh_recs[head->fmh_entries - 1].fmr_flags & FMR_OF_LAST;
		if (!done) {
			fsmap_advance(head);
			progress("looking for the owners of bad blocks: at %s",
				 size_text(head->fmh_keys[0].fmr_physical, text));
		}
	}
	err = errno;
	progress_end();
	free(head);
	close(fd);
	errno = err;
	return done;
}

void owners_free(struct owners *owners)
{
	size_t i;

	for (i = 0; i < owners->nr; i++)
		free(owners->owners[i].path);
	free(owners->owners);
	*owners = (struct owners){ 0 };
}
