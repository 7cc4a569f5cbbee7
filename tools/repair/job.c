// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/param.h>

#include "fs/blocks.h"
#include "repair/job.h"
#include "util/say.h"

/* Why a file can't be opened for writing, or written to. */
const char *job_reason(int err)
{
	switch (err) {
	case EPERM:
		return "it is immutable or append-only: chattr -i -a it first";
	case EROFS:
		return "it is mounted read-only: mount -o remount,rw";
	case ETXTBSY:
		return "it is in use as swap, or runs as a program: swapoff it, or end the program";
	case EIO:
		return "a page failed, or XFS has shut down: run the command again, or remount it";
	case ENOSPC:
		return "the filesystem is full: make room for a few blocks";
	}
	return strerror(err);
}

void job_open_file(struct job *job)
{
	const char *path = job->options->path;
	int fd = open(path, O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	/* A folder can't be opened for writing. */
	bool regular = fd >= 0 || (errno != EISDIR && errno != ELOOP);

	if (regular && (fd < 0 || fstat(fd, &job->status)))
		die(EXIT_FAILED, "%s: %s", path, job_reason(errno));
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

void job_open_backup(struct job *job)
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
void job_check_backup(struct job *job)
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
void job_check_rest(struct job *job)
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

/* Whether the name still is this file's. */
void job_check_name(const struct job *job)
{
	struct stat now;

	if (stat(job->options->path, &now) || now.st_ino != job->status.st_ino ||
	    now.st_dev != job->status.st_dev)
		note("%s was renamed, replaced or deleted meanwhile: the file that had this name is repaired",
		     job->options->path);
}

/* Read all of the file back. */
bool job_check_result(struct job *job)
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
