// SPDX-License-Identifier: GPL-2.0
/*
 * A block of one file is written over in place: the kernel asks the platform to clear the poison,
 * and refuses the write if it cannot.  Otherwise, with reflink, and for a block of several files:
 *
 *   1. The good data is written to a file without a name, synced, and read back.
 *   2. Another file without a name gets a share of the bad block, and a name in the quarantine.
 *      From now on the block cannot become free.
 *   3. Each other file that has the block gets a share of the good one in its place, then this one.
 *   4. The quarantine alone has the bad block now.  If the platform clears it, it is released.
 *   5. The records are changed.
 *
 * A kill before 3 leaves the files as they were: files without names end with this process, and a
 * share in the quarantine changes nothing in a file.  Each share of 3 is one transaction of XFS.
 * As this file comes last, it is listed as bad until all others are done, and the same command ends
 * what it began; a block that the quarantine has already is not shared again.  After 3 the block is
 * the quarantine's alone, and any later run changes the records: settle().
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/param.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fs/blocks.h"
#include "repair/books.h"
#include "repair/contents.h"
#include "repair/file.h"
#include "repair/quarantine.h"
#include "sys/sysfs.h"
#include "util/alloc.h"
#include "util/say.h"
#include "util/size.h"

struct job {
	struct scene *scene;
	const struct file_options *options;
	struct contents contents;
	struct stat status;		/* before */
	struct quarantine quarantine;
	bool has_quarantine;
	char *data, *back;		/* a block each */
};

enum cleared { CLEARED, STAYS_BAD, NOT_TRIED };

/* Why a file can't be opened for writing, or written to. */
static const char *reason(int err)
{
	switch (err) {
	case EPERM:
		return "it is immutable or append-only: chattr -i -a it first";
	case EROFS:
		return "it is mounted read-only: mount -o remount,rw";
	case ETXTBSY:
		return "it is in use as swap, or runs as a program: swapoff it, or end the program";
	case EIO:
		return "XFS has shut down: unmount it, and mount it again";
	case ENOSPC:
		return "the filesystem is full: make room for a few blocks";
	}
	return strerror(err);
}

static void open_file(struct job *job)
{
	const char *path = job->options->path;
	int fd = open(path, O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	/* A folder can't be opened for writing. */
	bool regular = fd >= 0 || (errno != EISDIR && errno != ELOOP);

	if (regular && (fd < 0 || fstat(fd, &job->status)))
		die(EXIT_FAILED, "%s: %s", path, reason(errno));
	if (!regular || !S_ISREG(job->status.st_mode))
		die(EXIT_FAILED, "%s is no regular file: only the contents of files are repaired",
		    path);
	if (job->status.st_dev != job->scene->device->dev)
		die(EXIT_FAILED, "%s is not on %s, which is mounted on %s", path,
		    job->scene->device->name, job->scene->mount.folder);
	job->contents.fd = fd;
	job->contents.path = path;
	job->contents.size = job->status.st_size;
	job->contents.block = job->scene->xfs.block_bytes;
}

static void open_backup(struct job *job)
{
	const char *path = job->options->backup;
	struct stat status;
	int fd;

	job->contents.backup = -1;
	if (!path)
		return;
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status))
		die(EXIT_FAILED, "%s: %s", path, strerror(errno));
	if (!S_ISREG(status.st_mode))
		die(EXIT_FAILED, "%s is no regular file", path);
	if (status.st_dev == job->status.st_dev && status.st_ino == job->status.st_ino)
		die(EXIT_FAILED, "%s is %s itself, no backup of it", path, job->options->path);
	if (status.st_size != job->status.st_size && !job->options->force)
		die(EXIT_FAILED, "%s has %jd bytes and %s has %jd: it is no backup of this state; --force takes what it has of the bad ranges",
		    path, (intmax_t)status.st_size, job->options->path,
		    (intmax_t)job->status.st_size);
	job->contents.backup = fd;
	job->contents.backup_path = path;
}

/* Read from the backup all that will be needed, before anything is changed. */
static void check_backup(struct job *job)
{
	size_t i;

	for (i = 0; i < job->contents.nr_bad; i++)
		if (!contents_wanted(&job->contents, job->contents.bad[i].offset, job->data))
			die(EXIT_FAILED, "%s can't be read at 0x%jx, where %s is bad: %s",
			    job->options->backup, (uintmax_t)job->contents.bad[i].offset,
			    job->options->path, errno == ENODATA ? "it ends before" :
			    strerror(errno));
}

/* Compare what is not bad; die if it differs. */
static void check_rest(struct job *job)
{
	struct difference found = contents_compare(&job->contents);

	if (found.what == FILE_UNREADABLE)
		die(EXIT_FAILED, "%s can't be read at 0x%jx, where nothing is known to be bad: %s",
		    job->options->path, (uintmax_t)found.offset, strerror(errno));
	if (found.what == SAME || job->options->force)
		return;
	if (found.what == BACKUP_UNREADABLE)
		die(EXIT_FAILED, "%s can't be read at 0x%jx: %s; --force does not compare",
		    job->options->backup, (uintmax_t)found.offset, strerror(errno));
	die(EXIT_FAILED, "%s differs from %s at 0x%jx, where nothing is bad: it is no backup of this state; --force takes the bad ranges from it",
	    job->options->backup, job->options->path, (uintmax_t)found.offset);
}

/* What a write changes beside the contents. */
struct kept {
	struct stat status;
	char capability[64];	/* the extended attribute */
	ssize_t len;		/* -1 if there is none */
};

#define CAPABILITY	"security.capability"

static bool keep(int fd, struct kept *kept)
{
	kept->len = fgetxattr(fd, CAPABILITY, kept->capability, sizeof(kept->capability));
	return !fstat(fd, &kept->status);
}

static void restore(int fd, const struct kept *kept)
{
	if (kept->len >= 0 && fgetxattr(fd, CAPABILITY, NULL, 0) < 0)
		fsetxattr(fd, CAPABILITY, kept->capability, kept->len, 0);
	futimens(fd, (struct timespec[]){ kept->status.st_atim, kept->status.st_mtim });
}

/* Write a block of one file over in place, and read it back. */
static enum cleared write_in_place(struct job *job, int fd, uint64_t offset, size_t len,
				   const struct media_range *media)
{
	if (!media_list(media))
		return NOT_TRIED;
	if (!block_write(fd, job->data, len, offset)) {
		/* Of the page cache: it has what could not be written. */
		posix_fadvise(fd, offset, len, POSIX_FADV_DONTNEED);
		return STAYS_BAD;
	}
	if (!file_uses_dax(fd))
		posix_fadvise(fd, offset, len, POSIX_FADV_DONTNEED);
	if (media_is_listed(media) || !block_read(fd, job->back, len, offset) ||
	    memcmp(job->data, job->back, len))
		return STAYS_BAD;
	return CLEARED;
}

/*
 * Write the last block of a file, which does not fill it, on the device: through the file, only a
 * whole block is cleared.  Under a lease no other process opens the file, so it keeps the block.
 */
static enum cleared write_on_device(struct job *job, const struct bad_block *bad,
				    const struct media_range *media)
{
	char *path = block_path(job->scene->device->dev);
	int fd = job->contents.fd, device;
	enum cleared cleared = NOT_TRIED;
	uint64_t place;

	/* By default it ends the program. */
	signal(SIGIO, SIG_IGN);
	device = open(path, O_WRONLY | O_DIRECT | O_CLOEXEC);
	free(path);
	if (device < 0)
		return NOT_TRIED;
	if (!fcntl(fd, F_SETLEASE, F_WRLCK)) {
		if (block_find(fd, bad->offset, &place) == BLOCK_WRITTEN && place == bad->place &&
		    media_list(media))
			cleared = block_write(device, job->data, job->contents.block, place) &&
				  !media_is_listed(media) ? CLEARED : STAYS_BAD;
		fcntl(fd, F_SETLEASE, F_UNLCK);
	}
	close(device);
	posix_fadvise(fd, bad->offset, job->contents.block, POSIX_FADV_DONTNEED);
	return cleared;
}

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

static bool quarantine_has(const struct scene *scene, const struct owners *owners)
{
	size_t i;

	for (i = 0; i < owners->nr; i++)
		if (scene_is_quarantined(scene, &owners->owners[i]))
			return true;
	return false;
}

/* Give a file the good block in place of its bad one, and its times as they were. */
static bool replace(struct job *job, int fd, uint64_t offset, bool is_tail)
{
	size_t len = job->contents.block;
	struct kept kept;
	int good;

	if (!keep(fd, &kept))
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
	restore(fd, &kept);
	return true;
}

/* Repair the other files that have the block. */
static bool replace_others(struct job *job, struct owners *owners)
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
		    replace(job, fd, owner->offset_bytes,
			    status.st_size - owner->offset_bytes < job->contents.block)) {
			printf("%s at 0x%jx: has the same block, and is repaired\n", name,
			       (uintmax_t)owner->offset_bytes);
		} else {
			note("%s at 0x%jx has the same block, and can't be repaired: %s", name,
			     (uintmax_t)owner->offset_bytes, reason(errno));
			done = false;
		}
		if (fd >= 0)
			close(fd);
		free(name);
	}
	owners_free(&others);
	return done;
}

/* Give the quarantine a share of the bad block.  Returns the name of its file, or NULL. */
static char *share_bad(struct job *job, const struct bad_block *bad, size_t len,
		       const struct media_range *media)
{
	struct quarantine_entry entry = {
		.place = bad->place,
		.media = media,
		.path = job->options->path,
		.offset = bad->offset,
	};
	int fd = quarantine_scratch(&job->quarantine, file_uses_dax(job->contents.fd));
	char *name = NULL;
	uint64_t place;

	if (fd < 0)
		return NULL;
	if (block_share(job->contents.fd, bad->offset, len, fd, 0)) {
		errno = ESTALE;
		if (block_find(fd, 0, &place) == BLOCK_WRITTEN && place == bad->place)
			name = quarantine_keep(&job->quarantine, fd, &entry);
	}
	close(fd);
	return name;
}

/* Try to clear a block that the quarantine alone has, and release it then. */
static bool clear_in_quarantine(struct job *job, const char *name, const struct media_range *media)
{
	int fd = openat(job->quarantine.folder, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	bool cleared;

	if (fd < 0)
		return false;
	cleared = write_in_place(job, fd, 0, job->contents.block, media) == CLEARED;
	close(fd);
	return cleared && quarantine_release(&job->quarantine, name);
}

/* Replace a bad block in all its files, and keep it. */
static bool quarantine_block(struct job *job, const struct bad_block *bad,
			     const struct media_range *media, struct owners *owners, bool tried)
{
	uint64_t offset = bad->offset;
	bool is_tail = job->contents.size - offset < job->contents.block;
	size_t len = is_tail ? job->contents.size - offset : job->contents.block;
	char *name = NULL;

	if (!job->scene->xfs.reflink && !tried && is_tail) {
		note("%s at 0x%jx: the last block can be cleared only if no other process has the file open: end those (fuser %s), and run the command again",
		     job->options->path, (uintmax_t)offset, job->options->path);
		return false;
	}
	if (!job->scene->xfs.reflink) {
		note("%s at 0x%jx: the platform does not clear it, and this XFS has no reflink, so no other block can take its place: restore %s under another name and keep the old file, or move the data to an XFS with reflink",
		     job->options->path, (uintmax_t)offset, job->options->path);
		return false;
	}
	if (!quarantine_has(job->scene, owners)) {
		name = share_bad(job, bad, len, media);
		if (!name) {
			note("%s at 0x%jx: can't be put into quarantine: %s", job->options->path,
			     (uintmax_t)offset, reason(errno));
			return false;
		}
	}
	if (!replace_others(job, owners))
		return false;
	if (!replace(job, job->contents.fd, offset, is_tail)) {
		note("%s at 0x%jx: %s", job->options->path, (uintmax_t)offset, reason(errno));
		return false;
	}
	if (name && !tried && clear_in_quarantine(job, name, media)) {
		printf("%s at 0x%jx: replaced, and the bad block is cleared\n", job->options->path,
		       (uintmax_t)offset);
		scene_forget(job->scene, bad->place);
		books_repaired(media);
	} else {
		printf("%s at 0x%jx: replaced, and the bad block is in quarantine\n",
		       job->options->path, (uintmax_t)offset);
		books_quarantined(media);
	}
	free(name);
	return true;
}

static bool repair_block(struct job *job, const struct bad_block *bad)
{
	bool is_tail = job->contents.size - bad->offset < job->contents.block;
	enum cleared cleared = NOT_TRIED;
	struct owners owners = { 0 };
	struct media_range media;
	enum block_state state;
	uint64_t place;
	bool done;

	if (!scene_media(job->scene, bad->place, &media) ||
	    !contents_wanted(&job->contents, bad->offset, job->data))
		return false;
	state = block_find(job->contents.fd, bad->offset, &place);
	if (state == BLOCK_UNKNOWN || state == BLOCK_HOLE || place != bad->place) {
		note("%s at 0x%jx: the file was changed meanwhile; run the command again",
		     job->options->path, (uintmax_t)bad->offset);
		return false;
	}
	if (!scene_find_owners(job->scene, &owners, bad->place, job->contents.block)) {
		note("%s: %s", job->scene->mount.folder, reason(errno));
		return false;
	}
	if (owners.nr == 1 && is_tail && state == BLOCK_WRITTEN)
		cleared = write_on_device(job, bad, &media);
	else if (owners.nr == 1)
		cleared = write_in_place(job, job->contents.fd, bad->offset, job->contents.block,
					 &media);
	if (cleared == CLEARED) {
		printf("%s at 0x%jx: cleared in place\n", job->options->path,
		       (uintmax_t)bad->offset);
		scene_forget(job->scene, bad->place);
		books_repaired(&media);
		done = true;
	} else if (state == BLOCK_RESERVED) {
		note("%s at 0x%jx: the platform does not clear it; the block was never written, so no data is lost, but XFS can't write to it",
		     job->options->path, (uintmax_t)bad->offset);
		done = false;
	} else {
		done = quarantine_block(job, bad, &media, &owners, cleared == STAYS_BAD);
	}
	owners_free(&owners);
	return done;
}

/* Whether the name still is this file's. */
static void check_name(const struct job *job)
{
	struct stat now;

	if (stat(job->options->path, &now) || now.st_ino != job->status.st_ino ||
	    now.st_dev != job->status.st_dev)
		note("%s was renamed, replaced or deleted meanwhile: the file that had this name is repaired",
		     job->options->path);
}

/* Read all of the file back. */
static bool check_result(struct job *job)
{
	struct contents all = job->contents;
	struct difference found;
	size_t i;

	for (i = 0; i < job->contents.nr_bad; i++) {
		uint64_t offset = job->contents.bad[i].offset;
		size_t len;

		if (offset >= job->contents.size)
			continue;
		len = MIN(job->contents.block, job->contents.size - offset);
		if (!contents_wanted(&job->contents, offset, job->data) ||
		    !block_read(job->contents.fd, job->back, len, offset) ||
		    memcmp(job->data, job->back, len)) {
			note("%s at 0x%jx is not what was written: run the command again",
			     job->options->path, (uintmax_t)offset);
			return false;
		}
	}
	if (job->options->force)
		all.backup = -1;
	else
		all.nr_bad = job->options->backup ? 0 : all.nr_bad;
	found = contents_compare(&all);
	if (found.what == SAME)
		return true;
	if (found.what == DIFFERENT)
		note("%s at 0x%jx differs from %s now: another process writes to it",
		     job->options->path, (uintmax_t)found.offset, job->options->backup);
	else
		note("%s can't be read at 0x%jx any more: %s; run the command again",
		     found.what == FILE_UNREADABLE ? job->options->path : job->options->backup,
		     (uintmax_t)found.offset, strerror(errno));
	return false;
}

static void open_quarantine(struct job *job)
{
	if (!job->scene->xfs.reflink)
		return;
	if (!quarantine_open(&job->quarantine, job->scene->root))
		die(EXIT_FAILED, "%s/" QUARANTINE ": %s", job->scene->mount.folder,
		    errno == EPERM ? "it is not root's; rename it" : reason(errno));
	job->has_quarantine = true;
}

/**
 * file_repair - write good data over the bad blocks of a file
 * @scene: What is bad.
 * @options: The file, and where the data comes from.
 *
 * Dies if the file or its backup is refused: then nothing was changed.
 *
 * Return: The command's exit code.
 */
int file_repair(struct scene *scene, const struct file_options *options)
{
	struct job job = { .scene = scene, .options = options };
	struct bad_block *blocks;
	struct kept kept;
	bool done = true;
	size_t i;

	open_file(&job);
	open_backup(&job);
	job.contents.nr_bad = scene_blocks(scene, job.status.st_ino, &blocks);
	job.contents.bad = blocks;
	/* Aligned for O_DIRECT. */
	job.data = aligned_alloc(job.contents.block, job.contents.block);
	job.back = malloc(job.contents.block);
	if (!job.data || !job.back)
		die(EXIT_FAILED, "%s", strerror(ENOMEM));
	check_backup(&job);
	check_rest(&job);
	if (!job.contents.nr_bad) {
		printf("%s: no block of it is bad\n", options->path);
		return EXIT_DONE;
	}
	open_quarantine(&job);
	keep(job.contents.fd, &kept);
	for (i = 0; i < job.contents.nr_bad; i++)
		done = repair_block(&job, &blocks[i]) && done;
	restore(job.contents.fd, &kept);
	done = done && check_result(&job);
	check_name(&job);
	if (job.has_quarantine)
		quarantine_close(&job.quarantine);
	books_close();
	if (done)
		printf("%s: all of it can be read%s%s\n", options->path,
		       options->backup && !options->force ? ", and is as " : "",
		       options->backup && !options->force ? options->backup : "");
	return done ? EXIT_DONE : EXIT_FAILED;
}
