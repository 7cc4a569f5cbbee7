// SPDX-License-Identifier: GPL-2.0
/*
 * ddrescue copies, and its map file says what of.  The map file is only a help: the device may have
 * been written to between two runs, and a run that was killed may not have it up to date.  So all
 * of the two ranges is compared at the end, while nothing else has them open, and what differs is
 * copied once more.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/param.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "replace/copy.h"
#include "sys/pages.h"
#include "util/alloc.h"
#include "util/progress.h"
#include "util/run.h"
#include "util/say.h"
#include "util/size.h"

#define CHUNK	(4 * MIB)

/* The two ranges, open to be compared. */
struct pair {
	struct copy *copy;
	int from, to;
	char *data, *other;
	unsigned int sector;
	struct map unread;	/* what was copied once and cannot be read any more: bad */
	bool changed;		/* a sector was not the same */
};

static unsigned int sector_of(const struct copy *copy)
{
	return MAX(copy->from.sector_bytes, copy->to.sector_bytes);
}

/* Run ddrescue, which is ended with this process; whether it succeeded. */
static bool run_ddrescue(const struct words *words)
{
	pid_t parent = getpid(), pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		if (prctl(PR_SET_PDEATHSIG, SIGTERM) || getppid() != parent)
			_exit(EXIT_FAILURE);
		execvp(words->words[0], words->words);
		note("%s: %s%s", words->words[0], strerror(errno),
		     errno == ENOENT ? ": install gddrescue" : "");
		_exit(EXIT_FAILURE);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	       !WEXITSTATUS(status);
}

/* Copy what was not copied before and is not known to be bad; whether ddrescue could. */
bool copy_run(struct copy *copy)
{
	unsigned int sector = sector_of(copy);
	struct words words = { 0 };
	size_t i, j;

	map_read(&copy->map, copy->map_path, copy->from.start_bytes, copy->len_bytes);
	/* A repair may have made it good since. */
	for (i = 0; i < copy->map.nr; i++)
		if (copy->map.ranges[i].state == MAP_BAD)
			copy->map.ranges[i].state = MAP_NOT_TRIED;
	for (i = 0; i < copy->bad.nr; i++)
		for (j = 0; copy->bad.ranges[i].state == MAP_BAD && j < copy->map.nr; j++) {
			const struct map_range *bad = &copy->bad.ranges[i];
			const struct map_range *range = &copy->map.ranges[j];
			/* The device reads whole sectors, and a bad block may be smaller. */
			uint64_t first = bad->start_bytes / sector * sector;
			uint64_t last = (bad->start_bytes + bad->len_bytes + sector - 1) / sector *
					sector;
			uint64_t start = MAX(first, range->start_bytes);
			uint64_t end = MIN(last, range->start_bytes + range->len_bytes);

			/* What was copied before it failed is kept. */
			if (start < end && range->state != MAP_COPIED &&
			    range->state != MAP_BAD) {
				map_mark(&copy->map, start, end - start, MAP_BAD);
				j = -1;
			}
		}
	map_write(&copy->map, copy->map_path);
	words_add(&words, "ddrescue");
	words_add(&words, "--force");
	words_add(&words, "--idirect");
	words_add(&words, "--odirect");
	words_add(&words, "--sector-size=%u", sector);
	words_add(&words, "--cluster-size=%ju", (uintmax_t)(MIB / sector));
	words_add(&words, "--input-position=%ju", (uintmax_t)copy->from.start_bytes);
	words_add(&words, "--output-position=%ju", (uintmax_t)copy->to.start_bytes);
	words_add(&words, "--size=%ju", (uintmax_t)copy->len_bytes);
	words_add(&words, "--mapfile-interval=1");
	if (!isatty(STDOUT_FILENO))
		words_add(&words, "--quiet");
	words_add(&words, "%s", copy->from.path);
	words_add(&words, "%s", copy->to.path);
	words_add(&words, "%s", copy->map_path);
	if (!run_ddrescue(&words))
		return false;
	map_free(&copy->map);
	map_read(&copy->map, copy->map_path, copy->from.start_bytes, copy->len_bytes);
	for (i = 0; i < copy->map.nr; i++)
		if (copy->map.ranges[i].state != MAP_COPIED &&
		    copy->map.ranges[i].state != MAP_BAD)
			die(EXIT_FAILED, "ddrescue did not try all of %s: the same command goes on",
			    copy->from.path);
	return true;
}

static void fails(const struct copy *copy, uint64_t at)
{
	die(EXIT_FAILED, "%s fails at 0x%jx: %s: nothing is changed; give another device",
	    copy->to.path, (uintmax_t)(copy->to.start_bytes + at - copy->from.start_bytes),
	    strerror(errno));
}

static bool is_known(const struct map *bad, uint64_t at, uint64_t len)
{
	size_t i;

	for (i = 0; i < bad->nr; i++)
		if (bad->ranges[i].state == MAP_BAD && bad->ranges[i].start_bytes < at + len &&
		    at < bad->ranges[i].start_bytes + bad->ranges[i].len_bytes)
			return true;
	return false;
}

static void write_to(const struct pair *pair, const char *data, uint64_t at, uint64_t len)
{
	const struct copy *copy = pair->copy;

	errno = EIO;
	if (pwrite(pair->to, data, len, copy->to.start_bytes + at - copy->from.start_bytes) !=
	    (ssize_t)len)
		fails(copy, at);
}

/* Compare a piece, in halves where it cannot be read, and copy it if it differs. */
static void compare(struct pair *pair, uint64_t at, uint64_t len)
{
	const struct copy *copy = pair->copy;
	uint64_t half = len / 2 / pair->sector * pair->sector;

	if (is_known(&copy->bad, at, len) ||
	    pread(pair->from, pair->data, len, at) != (ssize_t)len) {
		if (len <= pair->sector) {
			map_mark(&pair->unread, at, len, MAP_BAD);
			return;
		}
		compare(pair, at, half);
		compare(pair, at + half, len - half);
		return;
	}
	errno = EIO;
	if (pread(pair->to, pair->other, len,
		  copy->to.start_bytes + at - copy->from.start_bytes) != (ssize_t)len)
		fails(copy, at);
	if (!memcmp(pair->data, pair->other, len))
		return;
	pair->changed = true;
	write_to(pair, pair->data, at, len);
}

/* Write zeros where there is no data. */
static void fill(struct pair *pair, const struct map_range *range)
{
	uint64_t at = range->start_bytes, end = at + range->len_bytes, len;

	memset(pair->data, 0, CHUNK);
	for (; at < end; at += len) {
		len = MIN(CHUNK, end - at);
		write_to(pair, pair->data, at, len);
	}
}

static void pair_open(struct pair *pair, struct copy *copy)
{
	*pair = (struct pair){
		.copy = copy, .sector = sector_of(copy),
		.from = open(copy->from.path, O_RDONLY | O_DIRECT | O_CLOEXEC),
		.to = open(copy->to.path, O_RDWR | O_DIRECT | O_CLOEXEC),
		.data = aligned_alloc(page_bytes(), CHUNK),
		.other = aligned_alloc(page_bytes(), CHUNK),
	};
	if (pair->from < 0 || pair->to < 0)
		die(EXIT_FAILED, "%s: %s", pair->from < 0 ? copy->from.path : copy->to.path,
		    strerror(errno));
	if (!pair->data || !pair->other)
		die(EXIT_FAILED, "no memory");
}

/**
 * copy_compare - make the copy the same as what it is of
 * @copy: The copy, which ddrescue has ended.  What is bad in its map after that is lost, and zero.
 *
 * A sector that was copied before it failed is kept, unless the range was written to since: its
 * copy may be an old one then.
 */
void copy_compare(struct copy *copy)
{
	uint64_t at, end, len, last = copy->from.start_bytes + copy->len_bytes;
	struct pair pair;
	size_t i;

	pair_open(&pair, copy);
	map_begin(&pair.unread, copy->from.start_bytes, copy->len_bytes);
	for (i = 0; i < copy->map.nr; i++) {
		const struct map_range *range = &copy->map.ranges[i];

		end = range->start_bytes + range->len_bytes;
		for (at = range->start_bytes; range->state == MAP_COPIED && at < end; at += len) {
			len = MIN(CHUNK, end - at);
			compare(&pair, at, len);
			progress("comparing: %ju%%", (uintmax_t)(100 - (last - at) * 100 /
								 copy->len_bytes));
		}
	}
	progress_end();
	for (i = 0; pair.changed && i < pair.unread.nr; i++)
		if (pair.unread.ranges[i].state == MAP_BAD)
			map_mark(&copy->map, pair.unread.ranges[i].start_bytes,
				 pair.unread.ranges[i].len_bytes, MAP_BAD);
	for (i = 0; i < copy->map.nr; i++)
		if (copy->map.ranges[i].state == MAP_BAD)
			fill(&pair, &copy->map.ranges[i]);
	if (fsync(pair.to))
		fails(copy, copy->from.start_bytes);
	map_write(&copy->map, copy->map_path);
	map_free(&pair.unread);
	free(pair.data);
	free(pair.other);
	close(pair.from);
	close(pair.to);
}
