// SPDX-License-Identifier: GPL-2.0
/*
 * What repair and replace have settled, as lines of a file beside the history: only the holder of
 * the history's lock writes the history, and the monitor keeps that lock for as long as it runs.  A
 * reader applies the lines to what it has read.  The writer applies them, saves the history and
 * empties the file, under the file's own lock, so that no line is lost in between.
 *
 * If the history can't be saved, as on a full disk, the lines stay and are applied again.  So a
 * line has its time: what has failed since is not as it says.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "health/history.h"
#include "sys/sysfs.h"
#include "util/alloc.h"
#include "util/clock.h"
#include "util/json.h"

#define FILE_NAME	"settled"

/* What stands for a UUID that is not known, and for a range that is good again. */
#define NO_UUID		"-"
#define GOOD		"good"
#define QUARANTINED	"quarantined"
#define LOST		"lost"

/* A copy of a range that stays when the history changes. */
struct copy {
	struct history_range range;
	char **owners;
	size_t nr_owners;
};

static void copy_range(struct copy *copy, const struct history_range *range)
{
	const char *owner;

	*copy = (struct copy){ .range = *range };
	copy->range.child = copy_text(range->child);
	copy->range.namespace = range->namespace ? copy_text(range->namespace) : NULL;
	copy->range.first = copy_text(range->first);
	copy->range.last = copy_text(range->last);
	copy->range.source = copy_text(range->source);
	copy->range.result = range->result ? copy_text(range->result) : NULL;
	copy->range.boot = copy_text(range->boot);
	copy->range.state = copy_text(range->state);
	copy->range.json = NULL;
	while ((owner = history_owner(range, copy->nr_owners))) {
		copy->owners = grow(copy->owners, copy->nr_owners, sizeof(*copy->owners));
		copy->owners[copy->nr_owners++] = copy_text(owner);
	}
}

static void free_copy(struct copy *copy)
{
	size_t i;

	free((char *)copy->range.child);
	free((char *)copy->range.namespace);
	free((char *)copy->range.first);
	free((char *)copy->range.last);
	free((char *)copy->range.source);
	free((char *)copy->range.result);
	free((char *)copy->range.boot);
	free((char *)copy->range.state);
	for (i = 0; i < copy->nr_owners; i++)
		free(copy->owners[i]);
	free(copy->owners);
}

static void add_part(struct history *history, const struct copy *copy, uint64_t first,
		     uint64_t end, const char *state)
{
	struct history_range part = copy->range;

	if (first >= end)
		return;
	part.sector = first;
	part.sectors = end - first;
	part.state = state;
	history_add(history, &part, copy->owners, copy->nr_owners);
}

/* Add a range that a replace could not copy, unless it is there. */
static void add_lost(struct history *history, const struct history_range *settled, char *owner)
{
	struct history_range range = *settled;

	range.first = range.last;
	range.source = "replace";
	range.boot = "";
	if (!history_same(history, &range))
		history_add(history, &range, &owner, *owner ? 1 : 0);
}

/* A time that is still to come is of a clock that was set back, and shows nothing. */
static bool has_failed_since(const struct history_range *range, const char *time)
{
	char *now = clock_text(clock_now());
	bool since = strcmp(range->last, time) > 0 && strcmp(range->last, now) <= 0;

	free(now);
	return since;
}

/* Apply a line: the parts of the ranges that are outside stay as they are. */
static void apply(struct history *history, const struct history_range *settled)
{
	uint64_t first = settled->sector, end = first + settled->sectors;
	const struct history_range **ranges;
	struct copy *copies = NULL;
	size_t nr, i;

	nr = history_find(history, settled->child, settled->namespace, &ranges);
	for (i = 0; i < nr; i++) {
		copies = grow(copies, i, sizeof(*copies));
		copy_range(&copies[i], ranges[i]);
	}
	free(ranges);
	for (i = 0; i < nr; i++) {
		const struct history_range *range = &copies[i].range, *old;
		uint64_t from = range->sector, to = from + range->sectors;

		/* What is lost was never set aside: it is written over. */
		if (from >= end || to <= first ||
		    (settled->state && !strcmp(range->state, LOST)))
			continue;
		if (!settled->state && has_failed_since(range, settled->last))
			continue;
		old = history_same(history, range);
		if (old)
			history_remove(history, old);
		add_part(history, &copies[i], from, first, range->state);
		if (settled->state)
			add_part(history, &copies[i], from > first ? from : first,
				 to < end ? to : end, settled->state);
		add_part(history, &copies[i], end, to, range->state);
	}
	for (i = 0; i < nr; i++)
		free_copy(&copies[i]);
	free(copies);
}

/* Apply all lines of the file; whether there were any. */
bool history_apply_settled(struct history *history)
{
	char *text = read_text("%s/" FILE_NAME, history->folder), *rest = text, *line;
	char child[32], uuid[64], state[32], time[32];
	struct history_range settled;
	uintmax_t sector, sectors;
	bool any = false;
	int owner;

	while ((line = strsep(&rest, "\n"))) {
		owner = 0;
		if (sscanf(line, "%31s %63s %ju %ju %31s %31s %n", child, uuid, &sector, &sectors,
			   state, time, &owner) != 6 || sectors > UINT64_MAX - sector)
			continue;
		if (strcmp(state, GOOD) && strcmp(state, QUARANTINED) && strcmp(state, LOST))
			continue;
		/* In a line that was cut off. */
		if (!strchr(time, 'Z'))
			continue;
		settled = (struct history_range){
			.child = child,
			.namespace = strcmp(uuid, NO_UUID) ? uuid : NULL,
			.sector = sector,
			.sectors = sectors,
			.last = time,
			.state = strcmp(state, GOOD) ? state : NULL,
		};
		if (strcmp(state, LOST))
			apply(history, &settled);
		else
			add_lost(history, &settled, line + owner);
		any = true;
	}
	free(text);
	return any;
}

static int lock_file(const char *folder, int flags)
{
	char *path = format_text("%s/" FILE_NAME, folder);
	int fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC | flags, 0644), err;

	if (fd >= 0 && flock(fd, LOCK_EX)) {
		err = errno;
		close(fd);
		errno = err;
		fd = -1;
	}
	free(path);
	return fd;
}

/**
 * history_settled - note that a range was repaired, or is lost
 * @folder: HISTORY_FOLDER, but for tests.  Without it there is no history, and nothing is done.
 * @range: Its child, namespace, sector, sectors and state: quarantined, lost, or NULL if good.
 * @owner: Whose a lost range is, without a newline; NULL if that is not known.
 *
 * Return: Whether that is on the disk; if not, errno is set.
 */
bool history_settled(const char *folder, const struct history_range *range, const char *owner)
{
	int fd = lock_file(folder, O_CREAT), err;
	char last = '\n', *time;
	struct stat status;
	bool done;

	if (fd < 0)
		return errno == ENOENT;
	time = clock_text(clock_now());
	done = !fstat(fd, &status) &&
	       (!status.st_size || pread(fd, &last, 1, status.st_size - 1) == 1) &&
	       dprintf(fd, "%s%s %s %ju %ju %s %s%s%s\n", last == '\n' ? "" : "\n",
		       range->child, range->namespace ?: NO_UUID, (uintmax_t)range->sector,
		       (uintmax_t)range->sectors, range->state ?: GOOD, time, owner ? " " : "",
		       owner ?: "") > 0 && !fsync(fd);
	err = errno;
	free(time);
	close(fd);
	errno = err;
	return done;
}

/* Apply all lines, save the history, and empty the file; false with errno. */
bool history_settle(struct history *history)
{
	int fd = lock_file(history->folder, 0);
	bool done = true;

	if (fd < 0)
		return errno == ENOENT;
	if (history_apply_settled(history))
		done = history_save(history);
	if (done)
		done = !ftruncate(fd, 0);
	close(fd);
	return done;
}
