// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/alloc.h"
#include "util/replace.h"
#include "util/say.h"

/* The file, and the new one until it is renamed. */
static const char *target;
static char *pending;

static void drop_pending(void)
{
	if (pending)
		unlink(pending);
}

/**
 * replace_begin - make a new file for a path, readable by all users
 * @path: The path. What is there stays until replace_end(), and if the command exits before that.
 *
 * The new file is in the same folder under a name of its own, as two commands may write at once.
 *
 * Return: The new file. If it cannot be made, the command exits with a message.
 */
FILE *replace_begin(const char *path)
{
	struct stat old;
	FILE *file;
	int fd;

	/* A rename would replace a device node, such as /dev/null, and a link. */
	if (!lstat(path, &old) && !S_ISREG(old.st_mode))
		die(EXIT_FAILED, "%s is no regular file", path);
	target = path;
	pending = format_text("%s.XXXXXX", path);
	fd = mkostemp(pending, O_CLOEXEC);
	if (fd < 0)
		die(EXIT_FAILED, "%s: %s", path, strerror(errno));
	atexit(drop_pending);
	file = fdopen(fd, "w");
	if (!file || fchmod(fd, 0644))
		die(EXIT_FAILED, "%s: %s", path, strerror(errno));
	return file;
}

/* Rename the new file to the path. If it could not be written, the command exits with a message. */
void replace_end(FILE *file)
{
	/* Without the sync, a file that is empty may be there after a crash. */
	if (fflush(file) || fsync(fileno(file)) || fclose(file) || rename(pending, target))
		die(EXIT_FAILED, "%s: %s", target, strerror(errno));
	free(pending);
	pending = NULL;
}
