// SPDX-License-Identifier: GPL-2.0
/*
 * A file is made without a name, gets its blocks, and then a name: if the command is killed before,
 * the kernel frees it, and nothing is left.  Its line in the index comes first, so that each file
 * has one.  A line without a file, or with a later line that ends it, means nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/blocks.h"
#include "repair/quarantine.h"
#include "util/alloc.h"
#include "util/clock.h"

#define INDEX	"index"

/* A file that gets no other name, see scratch_without_dax(). */
#define NEW	"new"

#define DROP_CACHES	"/proc/sys/vm/drop_caches"

/* Names that one block may have had. */
#define NAMES_MAX	1000

/* Make the folder, or open it; false with errno.  One that a user has made is refused. */
bool quarantine_open(struct quarantine *quarantine, int root)
{
	struct stat status;
	bool made = !mkdirat(root, QUARANTINE, 0700);
	int fd;

	if (!made && errno != EEXIST)
		return false;
	fd = openat(root, QUARANTINE, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return false;
	quarantine->folder = fd;
	if (fstat(fd, &status))
		return false;
	if (status.st_uid) {
		errno = EPERM;
		return false;
	}
	unlinkat(fd, NEW, 0);
	/* mkdir() gives what the umask leaves. */
	return !fchmod(fd, 0700) && file_set_nodump(fd) && (!made || !fsync(root));
}

void quarantine_close(struct quarantine *quarantine)
{
	unlinkat(quarantine->folder, NEW, 0);
	close(quarantine->folder);
}

static int make_scratch(const struct quarantine *quarantine)
{
	return openat(quarantine->folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

/* Have a file share a block with another, which sets its mark of reflink for good. */
static bool mark_reflink(const struct quarantine *quarantine, int fd)
{
	int other = make_scratch(quarantine);
	struct stat status;
	bool done;

	done = other >= 0 && !fstat(fd, &status) && !ftruncate(fd, status.st_blksize) &&
	       block_write(fd, "", 1, 0) && block_share(fd, 0, status.st_blksize, other, 0);
	if (other >= 0)
		close(other);
	return done;
}

/*
 * Linux 6.1 reads an inode that has the mark of reflink without DAX, also under dax=always, and
 * shares no block between files with and without.  So make a file with the mark, and have its inode
 * read anew.  It has a name meanwhile, which a later command removes if this one is killed.
 */
static int scratch_without_dax(const struct quarantine *quarantine)
{
	int fd, drop;

	unlinkat(quarantine->folder, NEW, 0);
	fd = openat(quarantine->folder, NEW, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || !mark_reflink(quarantine, fd) || fsync(fd))
		return -1;
	close(fd);
	drop = open(DROP_CACHES, O_WRONLY | O_CLOEXEC);
	if (drop < 0 || write(drop, "2", 1) != 1)
		return -1;
	close(drop);
	fd = openat(quarantine->folder, NEW, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 0))
		return -1;
	return fd;
}

/* Make a file without a name, with or without DAX; -1 with errno. */
int quarantine_scratch(const struct quarantine *quarantine, bool dax)
{
	int fd;

	/* Under dax=always and dax=never the flag changes nothing. */
	if (!folder_set_dax(quarantine->folder, dax))
		return -1;
	fd = make_scratch(quarantine);
	if (fd < 0 || file_uses_dax(fd) == dax)
		return fd;
	close(fd);
	fd = dax ? -1 : scratch_without_dax(quarantine);
	if (fd >= 0 && !file_uses_dax(fd))
		return fd;
	if (fd >= 0)
		close(fd);
	errno = EXDEV;
	return -1;
}

/* Rename the index to the first name that is free; false with errno. */
static bool set_index_aside(const struct quarantine *quarantine)
{
	bool done = false;
	unsigned int i;

	for (i = 1; i < NAMES_MAX && !done; i++) {
		char *name = format_text(INDEX "-%u", i);

		done = !renameat2(quarantine->folder, INDEX, quarantine->folder, name,
				  RENAME_NOREPLACE);
		free(name);
		if (!done && errno != EEXIST)
			break;
	}
	return done;
}

static bool add_line_once(const struct quarantine *quarantine, const char *line)
{
	int fd = openat(quarantine->folder, INDEX,
			O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	char *time = clock_text(clock_now()), last = '\n';
	struct stat status;
	bool done;
	int err;

	done = fd >= 0 && file_set_nodump(fd) && !fstat(fd, &status) &&
	       (!status.st_size || block_read(fd, &last, 1, status.st_size - 1)) &&
	       /* A line that a kill has cut off is ended. */
	       dprintf(fd, "%s%s %s\n", last == '\n' ? "" : "\n", time, line) > 0 && !fsync(fd);
	err = errno;
	if (fd >= 0)
		close(fd);
	free(time);
	errno = err;
	return done;
}

/* Add a line to the index, or to a new one if a block of it is bad; false with errno. */
static bool add_line(const struct quarantine *quarantine, const char *line)
{
	return add_line_once(quarantine, line) ||
	       (errno == EIO && set_index_aside(quarantine) && add_line_once(quarantine, line));
}

/* Find a name that no file has. */
static char *free_name(const struct quarantine *quarantine, uint64_t place)
{
	struct stat status;
	unsigned int i;
	char *name;

	for (i = 0; i < NAMES_MAX; i++) {
		name = format_text(QUARANTINE_PREFIX "%jx%s%.0u", (uintmax_t)place,
				   i ? "-" : "", i);
		if (fstatat(quarantine->folder, name, &status, AT_SYMLINK_NOFOLLOW))
			return name;
		free(name);
	}
	errno = EEXIST;
	return NULL;
}

/* Give a scratch file a name, and a line in the index.  Returns the name, or NULL with errno. */
char *quarantine_keep(const struct quarantine *quarantine, int fd,
		      const struct quarantine_entry *entry)
{
	char *name = free_name(quarantine, entry->place), *line;
	bool done;

	if (!name)
		return NULL;
	line = format_text("%s keeps %s sector %ju+%ju, device 0x%jx, of 0x%jx in %s", name,
			   entry->media->disk, (uintmax_t)entry->media->sector,
			   (uintmax_t)entry->media->sectors, (uintmax_t)entry->place,
			   (uintmax_t)entry->offset, entry->path);
	done = file_set_nodump(fd) && add_line(quarantine, line) &&
	       !linkat(fd, "", quarantine->folder, name, AT_EMPTY_PATH) &&
	       !fsync(fd) && !fsync(quarantine->folder);
	free(line);
	if (!done) {
		free(name);
		return NULL;
	}
	return name;
}

/* Delete a file, whose blocks are good again; false with errno. */
bool quarantine_release(const struct quarantine *quarantine, const char *name)
{
	char *line = format_text("%s is good again and released", name);
	bool done = !unlinkat(quarantine->folder, name, 0) && add_line(quarantine, line);

	free(line);
	return done;
}
