// SPDX-License-Identifier: GPL-2.0
/*
 * A new table is written beside the old one and renamed over it, so that a crash leaves one or
 * the other.  The two steps are separate: the caller changes the device in between, and a full
 * or read-only filesystem is found before that.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot/tab_file.h"
#include "sys/sysfs.h"
#include "util/alloc.h"
#include "util/say.h"

/* The file, with symbolic links resolved, and the new one until it is renamed. */
static char *target, *pending;

/* Read a file.  A missing file has no lines. */
void tab_read(struct tab_file *file, const char *path)
{
	*file = (struct tab_file){ .path = path, .text = read_text("%s", path) };
	if (!file->text && errno != ENOENT)
		die(EXIT_FAILED, "%s: %s", path, strerror(errno));
	if (!file->text)
		file->text = copy_text("");
	tab_parse(&file->tab, file->text);
}

/* Find the line of a device, or NULL.  Refuse a line with a mistake, and a second one. */
const struct tab_entry *tab_entry(const struct tab_file *file, const char *name)
{
	const struct tab_mistake *mistake = tab_find_mistake(&file->tab, name);

	if (mistake)
		die(EXIT_FAILED, "%s, line %u: %s", file->path, mistake->line, mistake->text);
	return tab_find(&file->tab, name);
}

/* The number of the line that makes a device at boot, 0 if there is none. */
unsigned int tab_line_at_boot(const char *name)
{
	const struct tab_entry *entry;
	struct tab_file file;

	tab_read(&file, TAB);
	entry = tab_find(&file.tab, name);
	return entry ? entry->line : 0;
}

static void drop_pending(void)
{
	if (pending)
		unlink(pending);
}

static void failed(const char *path)
{
	die(EXIT_FAILED, "%s: %s", path, strerror(errno));
}

/**
 * tab_prepare - write a copy of a file in which one line is replaced
 * @file: The file.
 * @line: The line, counted from 1.
 * @text: Its replacement.
 *
 * The caller holds the lock of changes and blocks signals.  If the command exits before
 * tab_commit(), the new file is removed.
 */
void tab_prepare(const struct tab_file *file, unsigned int line, const char *text)
{
	char *new = tab_replace(file->text, line, text);
	struct stat old;
	int fd;

	target = realpath(file->path, NULL);
	if (!target || stat(target, &old))
		failed(file->path);
	/* read_text() stops at a zero byte and drops the last newline. */
	if ((size_t)old.st_size > strlen(file->text) + 1)
		die(EXIT_FAILED, "%s contains a zero byte, or has just been changed: it is left as it is",
		    file->path);
	pending = format_text("%s.new", target);
	/* Left by a run that was killed. */
	unlink(pending);
	fd = open(pending, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		failed(pending);
	atexit(drop_pending);
	if (dprintf(fd, "%s\n", new) < 0 || fchown(fd, old.st_uid, old.st_gid) ||
	    fchmod(fd, old.st_mode & 07777) || fsync(fd) || close(fd))
		failed(pending);
	free(new);
}

/* Rename the new file over the old one and sync the folder.  Return false and errno on failure. */
bool tab_commit(void)
{
	bool done = !rename(pending, target);
	int fd;

	if (done) {
		free(pending);
		pending = NULL;
		fd = open(dirname(target), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		done = fd >= 0 && !fsync(fd);
		if (fd >= 0)
			close(fd);
	}
	free(target);
	return done;
}
