// SPDX-License-Identifier: GPL-2.0
/*
 * A claim is a file with two locks.  The record lock belongs to the process, and ends with it.  The
 * other one, of flock(), is inherited by the programs that the process runs, which may outlive it:
 * their last writes must not reach a device that is used for something else by then.  Claims are
 * taken and asked for under the lock of changes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "device/claim.h"
#include "util/alloc.h"
#include "util/say.h"

#define FOLDER	"/run/daxlinear"

static const struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

/* What this process has claimed: to close a file of these would end its record lock. */
static dev_t *own;
static size_t nr_own;

static char *claim_path(dev_t dev)
{
	return format_text(FOLDER "/%u:%u", major(dev), minor(dev));
}

/* Claim a device, which claim_refuse() has let pass, until this process ends. */
void claim_take(dev_t dev, const char *what)
{
	char *path = claim_path(dev);
	struct flock lock = whole;
	int fd;

	if (mkdir(FOLDER, 0755) && errno != EEXIST)
		die(EXIT_FAILED, FOLDER ": %s", strerror(errno));
	/* No O_CLOEXEC: it is inherited. */
	fd = open(path, O_RDWR | O_CREAT, 0600);
	if (fd < 0 || flock(fd, LOCK_EX) || fcntl(fd, F_SETLK, &lock) || ftruncate(fd, 0) ||
	    write(fd, what, strlen(what)) != (ssize_t)strlen(what))
		die(EXIT_FAILED, "%s: %s", path, strerror(errno));
	own = grow(own, nr_own, sizeof(*own));
	own[nr_own++] = dev;
	free(path);
}

static bool is_own(dev_t dev)
{
	size_t i;

	for (i = 0; i < nr_own; i++)
		if (own[i] == dev)
			return true;
	return false;
}

/*
 * Refuse a device that another process has claimed.  If that was killed, wait for the programs that
 * it ran, which end by themselves.
 */
void claim_refuse(dev_t dev, const char *name)
{
	struct flock lock = whole;
	char *path, what[512];
	ssize_t len;
	int fd;

	if (is_own(dev))
		return;
	path = claim_path(dev);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		goto out;
	if (fd < 0 || fcntl(fd, F_GETLK, &lock))
		die(EXIT_FAILED, "%s: %s", path, strerror(errno));
	if (lock.l_type != F_UNLCK) {
		len = pread(fd, what, sizeof(what), 0);
		die(EXIT_FAILED, "%s is in the hands of %.*s (process %d): wait for its end, or end it",
		    name, len > 0 ? (int)len : 0, what, (int)lock.l_pid);
	}
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		note("waiting for the end of what a command that was killed has left running on %s",
		     name);
		if (flock(fd, LOCK_EX))
			die(EXIT_FAILED, "%s: %s", path, strerror(errno));
	}
	close(fd);
out:
	free(path);
}
