// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "fs/mounts.h"
#include "fs/xfs.h"
#include "replace/exclusive.h"
#include "sys/sysfs.h"
#include "util/alloc.h"
#include "util/say.h"

/* udev has a device open for a moment. */
#define ATTEMPTS	30

/* Name a process that has a device open. */
static char *find_opener(dev_t dev)
{
	char *found = NULL, *name;
	struct stat status;
	glob_t files;
	size_t i;
	int pid;

	if (glob("/proc/[0-9]*/fd/*", GLOB_NOSORT, NULL, &files))
		return copy_text("a process");
	for (i = 0; i < files.gl_pathc && !found; i++) {
		if (stat(files.gl_pathv[i], &status) || !S_ISBLK(status.st_mode) ||
		    status.st_rdev != dev || sscanf(files.gl_pathv[i], "/proc/%d/", &pid) != 1 ||
		    pid == getpid())
			continue;
		name = read_text("/proc/%d/comm", pid);
		found = format_text("%s (process %d)", name ?: "a program", pid);
		free(name);
	}
	globfree(&files);
	return found ?: copy_text("the kernel");
}

/*
 * Refuse a device that is open elsewhere, though exclusive_open() did.  Return how many sectors
 * were written to it, with what was in the page cache: a close elsewhere leaves that there.
 */
uint64_t exclusive_check(const struct mapped *mapped, int fd)
{
	struct timespec moment = { .tv_nsec = 100 * 1000000 };
	uintmax_t written, zeroed = 0;
	struct mapped now = { 0 };
	unsigned int i;
	char *text;

	for (i = 0; i < ATTEMPTS && dm_find(mapped->name, &now) && now.open_count > 1; i++)
		nanosleep(&moment, NULL);
	if (now.open_count > 1)
		die(EXIT_FAILED, "/dev/mapper/%s is open in %s: end that first", mapped->name,
		    find_opener(mapped->dev));
	fsync(fd);
	text = read_text("/sys/dev/block/%u:%u/stat", major(mapped->dev), minor(mapped->dev));
	if (!text || sscanf(text, "%*u %*u %*u %*u %*u %*u %ju %*u %*u %*u %*u %*u %*u %ju",
			    &written, &zeroed) < 1)
		die(EXIT_FAILED, "/dev/mapper/%s was removed just now", mapped->name);
	free(text);
	return written + zeroed;
}

/*
 * Open a device so that it cannot be mounted meanwhile.  Refuse one that is in use, and name by
 * what.
 */
int exclusive_open(const struct mapped *mapped, const struct stack *stack)
{
	char *path = block_path(mapped->dev);
	struct mount mount;
	size_t i, j;
	int fd;

	if (mount_find(mapped->dev, &mount))
		die(EXIT_FAILED, "%s is mounted on %s: unmount it first", mapped->name,
		    mount.folder);
	if (xfs_is_mounted(mapped->dev))
		die(EXIT_FAILED, "%s is mounted where this process cannot see it: unmount it first",
		    mapped->name);
	for (i = 0; i < stack->nr; i++)
		for (j = 0; j < stack->devices[i].layout.nr; j++)
			if (stack->devices[i].layout.segments[j].dev == mapped->dev)
				die(EXIT_FAILED, "%s is in use by %s: remove that first",
				    mapped->name, stack->devices[i].name);
	fd = open(path, O_RDONLY | O_EXCL | O_CLOEXEC);
	if (fd < 0)
		die(EXIT_FAILED, "%s: %s: it is in use by %s", path, strerror(errno),
		    find_opener(mapped->dev));
	free(path);
	exclusive_check(mapped, fd);
	return fd;
}
