// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fs/blocks.h"
#include "repair/books.h"
#include "repair/good.h"
#include "repair/kept.h"
#include "util/alloc.h"
#include "util/say.h"

static bool is_bad(const struct scene *scene, uint64_t place)
{
	struct media_range media;

	return scene_media(scene, place, &media);
}

/*
 * Write a block of good data to a file without a name, and read it back.  XFS may choose a block
 * that is bad: that one is kept, and another is asked for.
 */
static int write_good(struct job *job, bool dax, size_t len)
{
	struct quarantine_entry entry = { .path = "free space" };
	struct media_range media;
	int fd;

	for (;;) {
		fd = quarantine_scratch(&job->quarantine, dax);
		if (fd < 0 || fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, job->contents.block) ||
		    block_find(fd, 0, &entry.place) != BLOCK_RESERVED)
			return -1;
		if (!is_bad(job->scene, entry.place))
			break;
		scene_media(job->scene, entry.place, &media);
		entry.media = &media;
		if (!quarantine_keep(&job->quarantine, fd, &entry))
			return -1;
		books_quarantined(&media);
		close(fd);
	}
	if (!block_write(fd, job->data, len, 0))
		return -1;
	if (!dax)
		posix_fadvise(fd, 0, len, POSIX_FADV_DONTNEED);
	if (!block_read(fd, job->back, len, 0))
		return -1;
	if (memcmp(job->data, job->back, len)) {
		errno = EIO;
		return -1;
	}
	return fd;
}

/* Give a file the good block in place of its bad one, and its times as they were. */
bool good_give(struct job *job, int fd, uint64_t offset, bool is_tail)
{
	size_t len = job->contents.block;
	struct kept kept;
	int good;

	if (!kept_read(fd, &kept))
		return false;
	if (is_tail)
		len = kept.status.st_size - offset;
	good = write_good(job, file_uses_dax(fd), len);
	if (good < 0)
		return false;
	if (!block_share(good, 0, len, fd, offset) || fsync(fd)) {
		close(good);
		return false;
	}
	close(good);
	kept_restore(fd, &kept);
	return true;
}

/* Repair the other files that have the block. */
bool good_give_others(struct job *job, struct owners *owners)
{
	struct scene *scene = job->scene;
	struct owners others = { 0 };
	bool done = true;
	size_t i;

	for (i = 0; i < owners->nr; i++) {
		const struct owner *owner = &owners->owners[i];

		if (owner->inode == job->status.st_ino || scene_is_quarantined(scene, owner))
			continue;
		others.owners = grow(others.owners, others.nr, sizeof(*owner));
		others.owners[others.nr++] = *owner;
	}
	if (others.nr)
		owners_find_paths(&others, scene->mount.folder);
	for (i = 0; i < others.nr; i++) {
		const struct owner *owner = &others.owners[i];
		char *name = owner->path ? copy_text(owner->path) :
			format_text("a file without a path (inode %ju)", (uintmax_t)owner->inode);
		int fd = file_open_inode(scene->root, owner->inode, O_RDWR);
		struct stat status;

		if (fd >= 0 && !fstat(fd, &status) &&
		    (uint64_t)status.st_size > owner->offset_bytes &&
		    good_give(job, fd, owner->offset_bytes,
			      status.st_size - owner->offset_bytes < job->contents.block)) {
			printf("%s at 0x%jx: has the same block, and is repaired\n", name,
			       (uintmax_t)owner->offset_bytes);
		} else {
			note("%s at 0x%jx has the same block, and can't be repaired: %s", name,
			     (uintmax_t)owner->offset_bytes, job_reason(errno));
			done = false;
		}
		if (fd >= 0)
			close(fd);
		free(name);
	}
	owners_free(&others);
	return done;
}
