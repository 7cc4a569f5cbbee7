// SPDX-License-Identifier: GPL-2.0
/*
 * XFS has no call that allocates a given block.  But what it allocates behind the last extent of a
 * file should be as far behind that extent on the device as it is in the file, if that block is
 * free and in the same allocation group.  So a file without a name gets a seed, which is a block
 * of the group before the wanted one, and then a block at the right distance.  The seed is given
 * back.
 *
 * The seed is a block of another file, shared for a moment; or, where there is none, room that is
 * allocated until some of it is in the group.  Nothing is written, so that nothing touches a bad
 * block.  If the command is killed, the kernel frees the file.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/blocks.h"
#include "repair/reach.h"
#include "sys/kernel.h"
#include "util/progress.h"
#include "util/size.h"

/* Where files are looked for: so far before the block at first, and then as many times farther. */
#define WINDOW_BYTES	(1ULL << 20)
#define WINDOW_TIMES	16

/* Files that are asked for a seed, and pieces of room beside one for each group. */
#define TRIES_MAX	64

/* Where a block in front of which room gets allocated is in the file. */
#define ANCHOR		(1ULL << 60)

struct goal {
	const struct scene *scene;
	uint64_t place;
	uint64_t group;		/* where its allocation group begins on the device */
	unsigned int tries;
};

/* In the folder of the root, whose group has inodes: those of a new folder may need a new block. */
static int make_file(const struct goal *goal)
{
	int fd = openat(goal->scene->root, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0 && file_set_plain(fd))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool give_back(int fd, uint64_t start, uint64_t len)
{
	return !len ||
	       !fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, start, len);
}

/* Keep a block, the last of the file, alone; it ends the file. */
static bool keep_last(const struct goal *goal, int fd, uint64_t offset)
{
	return give_back(fd, 0, offset) && !ftruncate(fd, offset + goal->scene->xfs.block_bytes);
}

/* Allocate the block with the help of a seed, the last block of the file; whether that worked. */
static bool allocate_from(const struct goal *goal, int fd, uint64_t seed, uint64_t seed_place,
			  uint64_t *offset)
{
	uint64_t block = goal->scene->xfs.block_bytes, place;

	*offset = seed + goal->place - seed_place;
	return !fallocate(fd, FALLOC_FL_KEEP_SIZE, *offset, block) &&
	       block_find(fd, *offset, &place) == BLOCK_RESERVED && place == goal->place &&
	       keep_last(goal, fd, *offset);
}

/*
 * Open a file whose blocks the scratch file may share.  Both have to use DAX, or neither.  Before
 * Linux 6.2, a file that has ever shared a block uses DAX no more.
 */
static int open_other(const struct goal *goal, uint64_t inode, int scratch)
{
	int fd = file_open_inode(goal->scene->root, inode, O_RDONLY | O_NONBLOCK);
	struct stat status;
	bool dax;

	if (fd < 0)
		return -1;
	dax = file_uses_dax(fd);
	if (!fstat(fd, &status) && S_ISREG(status.st_mode) && dax == file_uses_dax(scratch) &&
	    (!dax || kernel_since(6, 2)))
		return fd;
	close(fd);
	return -1;
}

/* Try the last block that an owner has before the wanted one; a file that has that, or -1. */
static int try_owner(const struct goal *goal, const struct owner *owner, uint64_t *offset)
{
	uint64_t block = goal->scene->xfs.block_bytes, place;
	uint64_t from = owner->offset_bytes + owner->len_bytes - block;
	int fd = make_file(goal), other;
	bool done;

	if (fd < 0)
		return -1;
	other = open_other(goal, owner->inode, fd);
	done = other >= 0 && block_share(other, from, block, fd, 0) &&
	       block_find(fd, 0, &place) == BLOCK_WRITTEN && place < goal->place &&
	       place >= goal->group && allocate_from(goal, fd, 0, place, offset);
	if (other >= 0)
		close(other);
	if (done)
		return fd;
	close(fd);
	return -1;
}

/* Try the files that have blocks in a part of the group, the last ones first. */
static int try_owners(struct goal *goal, uint64_t start, uint64_t end, uint64_t *offset)
{
	struct owners owners = { 0 };
	int fd = -1;
	size_t i;

	if (!scene_find_owners(goal->scene, &owners, start, end - start))
		return -1;
	for (i = owners.nr; fd < 0 && i--;) {
		if (!owner_is_data(&owners.owners[i]))
			continue;
		if (!goal->tries)
			break;
		goal->tries--;
		fd = try_owner(goal, &owners.owners[i], offset);
	}
	owners_free(&owners);
	return fd;
}

static int try_files(struct goal *goal, uint64_t *offset)
{
	uint64_t end = goal->place, window = WINDOW_BYTES, start;
	int fd = -1;

	while (fd < 0 && end > goal->group && goal->tries) {
		start = goal->place - goal->group < window ? goal->group : goal->place - window;
		fd = try_owners(goal, start, end, offset);
		end = start;
		window *= WINDOW_TIMES;
	}
	return fd;
}

/* Return the length of the longest free extent that begins at the block or before, in the group. */
static uint64_t longest_free(const struct goal *goal)
{
	uint64_t block = goal->scene->xfs.block_bytes, start, end, longest = 0;
	struct owners owners = { 0 };
	size_t i, j;

	if (!scene_find_owners(goal->scene, &owners, goal->group, goal->scene->xfs.ag_bytes))
		return 0;
	for (i = 0; i < owners.nr; i = j) {
		start = owners.owners[i].start_bytes;
		end = start;
		for (j = i; j < owners.nr && owners.owners[j].start_bytes == end &&
		     scene_is_free(&owners.owners[j]); j++)
			end += owners.owners[j].len_bytes;
		if (j == i)
			j++;
		else if (start <= goal->place && end - start > longest)
			longest = end - start;
	}
	owners_free(&owners);
	return longest / block * block;
}

/* What new room of a file has. */
struct room {
	bool has_block;
	bool has_seed;
	uint64_t offset;	/* of the block or the seed */
	uint64_t place;
};

static struct room look_at(const struct goal *goal, int fd, uint64_t at, uint64_t end)
{
	uint64_t block = goal->scene->xfs.block_bytes, place, len;
	struct room room = { 0 };

	for (; at < end && block_find_run(fd, at, &place, &len) == BLOCK_RESERVED; at += len) {
		if (place > goal->place || place < goal->group)
			continue;
		room.has_block = goal->place - place < len;
		room.has_seed = !room.has_block;
		room.place = room.has_block ? goal->place : place + len - block;
		room.offset = at + room.place - place;
		if (room.has_block)
			break;
	}
	return room;
}

/*
 * Allocate room until some is in the group, no later than the block.  Other writers may find less
 * free space for a moment: each piece is as long as the longest free extent that will do.
 *
 * At the end of a file, XFS aligns what is as long as the stripe unit, and leaves out what is
 * before.  So a block far behind ends the file.
 */
static int try_room(const struct goal *goal, uint64_t *offset)
{
	const struct xfs *xfs = &goal->scene->xfs;
	uint64_t block = xfs->block_bytes, size = 0, len = longest_free(goal);
	uint64_t pieces = xfs->size_bytes / xfs->ag_bytes + TRIES_MAX;
	struct room room = { 0 };
	char text[SIZE_TEXT_LEN];
	int fd = make_file(goal);

	if (fd < 0)
		return -1;
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, ANCHOR, block))
		len = 0;
	else
		room = look_at(goal, fd, ANCHOR, ANCHOR + block);
	while (len && pieces-- && !room.has_block && !room.has_seed &&
	       !fallocate(fd, FALLOC_FL_KEEP_SIZE, size, len)) {
		room = look_at(goal, fd, size, size + len);
		size += len;
		progress("looking for the block at 0x%jx: %s are allocated",
			 (uintmax_t)goal->place, size_text(size, text));
	}
	progress_end();
	*offset = room.offset;
	if (room.has_block || room.has_seed) {
		/* What is behind it would count as the last extent. */
		if (give_back(fd, room.offset + block, ANCHOR) &&
		    give_back(fd, 0, room.offset) &&
		    (room.has_block ? keep_last(goal, fd, room.offset) :
		     allocate_from(goal, fd, room.offset, room.place, offset)))
			return fd;
	}
	close(fd);
	return -1;
}

/**
 * reach_block - allocate a free block for a new file
 * @scene: The filesystem.
 * @place: The block, by its offset in the device.
 * @offset: Is set to its offset in the file.
 *
 * Return: The file, which has no name and no other block, or -1 if the block can't be reached.
 */
int reach_block(const struct scene *scene, uint64_t place, uint64_t *offset)
{
	struct goal goal = {
		.scene = scene,
		.place = place,
		.group = place / scene->xfs.ag_bytes * scene->xfs.ag_bytes,
		.tries = TRIES_MAX,
	};
	int fd;

	/* What was freed just now is free for others only when the log has it. */
	syncfs(scene->root);
	fd = scene->xfs.reflink ? try_files(&goal, offset) : -1;
	return fd >= 0 ? fd : try_room(&goal, offset);
}
