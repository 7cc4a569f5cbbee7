// SPDX-License-Identifier: GPL-2.0
/*
 * XFS has no call that allocates a given block.  What it allocates for a file begins in the group
 * of the file's inode, so a folder is made in the group that has the bad block, and a file without
 * a name there is given room until it has the block.  All other room is given back, and the file
 * gets a name in the quarantine.  If the command is killed before, the kernel frees the file.
 *
 * The room is reserved and not written to, so nothing touches the bad block.  Other writers may
 * find the group full for a moment, and use another.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/blocks.h"
#include "repair/books.h"
#include "repair/free.h"
#include "repair/quarantine.h"
#include "util/alloc.h"
#include "util/progress.h"
#include "util/say.h"
#include "util/size.h"

/* Folders are spread over the groups in turn; a few more, as a full one is left out. */
#define FOLDERS_EXTRA	8

/* A group is allocated in so many pieces. */
#define PIECES		64

struct search {
	struct scene *scene;
	struct quarantine *quarantine;
	uint64_t group;		/* where it begins on the device */
};

/* Where the block of an inode is: in its number, below the bits of its place in the block. */
static bool is_in_group(const struct search *search, uint64_t inode)
{
	const struct xfs *xfs = &search->scene->xfs;
	uint64_t blocks = xfs->ag_bytes / xfs->block_bytes;
	unsigned int bits = 0;

	while ((1ULL << bits) < blocks)
		bits++;
	return inode >> (bits + xfs->inodes_log) == search->group / xfs->ag_bytes;
}

/* Make a file without a name in the group; -1 with errno. */
static int file_in_group(const struct search *search)
{
	uint64_t nr = search->scene->xfs.size_bytes / search->scene->xfs.ag_bytes, i;
	char name[32];
	int folder, fd = -1, err = ENOSPC;
	struct stat status;

	for (i = 0; i < nr + FOLDERS_EXTRA && fd < 0; i++) {
		snprintf(name, sizeof(name), "search-%ju", (uintmax_t)i);
		if (mkdirat(search->quarantine->folder, name, 0700) && errno != EEXIST) {
			err = errno;
			break;
		}
		folder = openat(search->quarantine->folder, name,
				O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (folder < 0)
			continue;
		if (!fstat(folder, &status) && is_in_group(search, status.st_ino))
			fd = openat(folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
		close(folder);
	}
	errno = err;
	return fd;
}

/* Remove the folders, also those of a command that was killed. */
static void remove_folders(const struct search *search)
{
	uint64_t nr = search->scene->xfs.size_bytes / search->scene->xfs.ag_bytes, i;
	char name[32];

	for (i = 0; i < nr + FOLDERS_EXTRA; i++) {
		snprintf(name, sizeof(name), "search-%ju", (uintmax_t)i);
		unlinkat(search->quarantine->folder, name, AT_REMOVEDIR);
	}
}

/* Where a piece of a file is. */
struct piece {
	bool in_group;		/* all of it */
	uint64_t found;		/* the offset of the block in the file, or UINT64_MAX */
};

static struct piece look_at(const struct search *search, int fd, uint64_t at, uint64_t end,
			    uint64_t place)
{
	struct piece piece = { .in_group = true, .found = UINT64_MAX };
	uint64_t first, len;

	while (at < end && block_run(fd, at, &first, &len)) {
		if (place - first < len)
			piece.found = at + place - first;
		if (first - search->group >= search->scene->xfs.ag_bytes)
			piece.in_group = false;
		at += len;
	}
	return piece;
}

/*
 * Give the file room until it has the block; its offset in the file, or UINT64_MAX.  XFS goes to
 * another group if this one has no free extent of the size: then ask for less.
 */
static uint64_t allocate(const struct search *search, int fd, uint64_t place)
{
	uint64_t block = search->scene->xfs.block_bytes, size = 0, len = block;
	struct piece piece = { .found = UINT64_MAX };
	char text[SIZE_TEXT_LEN];

	while (len < search->scene->xfs.ag_bytes / PIECES)
		len *= 2;
	while (piece.found == UINT64_MAX && len >= block) {
		if (fallocate(fd, FALLOC_FL_KEEP_SIZE, size, len)) {
			if (errno != ENOSPC)
				break;
			piece.in_group = false;
		} else {
			piece = look_at(search, fd, size, size + len, place);
		}
		if (piece.in_group) {
			size += len;
		} else if (piece.found == UINT64_MAX) {
			fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, size, len);
			len /= 2;
		}
		progress("looking for the block at 0x%jx: %s are allocated", (uintmax_t)place,
			 size_text(size, text));
	}
	progress_end();
	return piece.found;
}

/* Give back all but the block. */
static bool keep_only(int fd, uint64_t offset, uint64_t block)
{
	struct stat status;

	if (offset && fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, offset))
		return false;
	/* What is behind the end of the file goes with it. */
	return !ftruncate(fd, offset + block) && !fstat(fd, &status) && !fsync(fd);
}

/* Try to clear a reserved block by a write, which zeroes it first. */
static bool clear(int fd, uint64_t offset, uint64_t block, const struct media_range *media)
{
	char *zeros = calloc(1, block), *back = malloc(block);
	bool done = zeros && back && media_list(media) &&
		    block_write(fd, zeros, block, offset) && !media_is_listed(media) &&
		    block_read(fd, back, block, offset) && !memcmp(zeros, back, block);

	free(zeros);
	free(back);
	return done;
}

/* Repair a block of free space; whether it is good, or in quarantine. */
static bool repair_block(const struct search *search, uint64_t place)
{
	struct quarantine_entry entry = { .place = place, .path = "free space" };
	uint64_t block = search->scene->xfs.block_bytes, offset;
	struct media_range media;
	bool done = false;
	char *name;
	int fd;

	if (!scene_media(search->scene, place, &media))
		return false;
	fd = file_in_group(search);
	if (fd < 0) {
		note("0x%jx: no file could be made in its allocation group: %s", (uintmax_t)place,
		     strerror(errno));
		return false;
	}
	offset = allocate(search, fd, place);
	entry.media = &media;
	if (offset == UINT64_MAX || !keep_only(fd, offset, block)) {
		note("0x%jx: can't be reached: XFS did not hand it out; delete or move files of its allocation group and try again, or it is in use by now",
		     (uintmax_t)place);
	} else if (clear(fd, offset, block, &media)) {
		printf("0x%jx: cleared\n", (uintmax_t)place);
		scene_forget(search->scene, place);
		books_repaired(&media);
		done = true;
	} else {
		name = quarantine_keep(search->quarantine, fd, &entry);
		done = name;
		if (done) {
			printf("0x%jx: in quarantine\n", (uintmax_t)place);
			books_quarantined(&media);
		} else {
			note("0x%jx: %s", (uintmax_t)place, strerror(errno));
		}
		free(name);
	}
	close(fd);
	return done;
}

/* Whether a block is free in part. */
static bool is_free(const struct scene *scene, uint64_t place)
{
	uint64_t block = scene->xfs.block_bytes;
	size_t i;

	for (i = 0; i < scene->owners.nr; i++) {
		const struct owner *owner = &scene->owners.owners[i];

		if (owner->start_bytes < place + block &&
		    place < owner->start_bytes + owner->len_bytes && !owner->inode &&
		    !strcmp(owner->what, "free space"))
			return true;
	}
	return false;
}

/**
 * free_repair - clear the bad blocks of free space, or keep them from files
 * @scene: What is bad.
 *
 * Return: The command's exit code.
 */
int free_repair(struct scene *scene)
{
	uint64_t block = scene->xfs.block_bytes, at, last = UINT64_MAX;
	struct quarantine quarantine;
	struct search search = { .scene = scene, .quarantine = &quarantine };
	bool done = true, any = false;
	size_t i;

	for (i = 0; i < scene->bads.nr; i++) {
		const struct bad *bad = &scene->bads.bads[i];

		if (bad->known_by & BAD_GONE)
			continue;
		for (at = bad->start_bytes / block * block;
		     at < bad->start_bytes + bad->len_bytes; at += block) {
			if (at == last || !is_free(scene, at))
				continue;
			if (!any && !quarantine_open(&quarantine, scene->root))
				die(EXIT_FAILED, "%s/" QUARANTINE ": %s", scene->mount.folder,
				    strerror(errno));
			any = true;
			last = at;
			search.group = at / scene->xfs.ag_bytes * scene->xfs.ag_bytes;
			done = repair_block(&search, at) && done;
		}
	}
	if (!any) {
		puts("no block of free space is bad");
		return EXIT_DONE;
	}
	remove_folders(&search);
	quarantine_close(&quarantine);
	books_close();
	return done ? EXIT_DONE : EXIT_FAILED;
}
