// SPDX-License-Identifier: GPL-2.0
/*
 * What was repaired is noted for the history before the kernel's record loses it: if the command is
 * killed in between, the next one finds the range in the record, and does both again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "health/history.h"
#include "repair/books.h"
#include "sys/nd.h"
#include "util/alloc.h"
#include "util/say.h"

/* Take the range out of the kernel's record.  A module of an earlier version keeps none. */
static void clear_record(const struct media_range *range)
{
	char *path = format_text("/sys/class/dax-holder/%s/clear", range->disk);
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 ? errno != ENOENT : dprintf(fd, "%ju %ju", (uintmax_t)range->sector,
					       (uintmax_t)range->sectors) < 0)
		note("%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	free(path);
}

static void settle(const struct media_range *range, const char *state)
{
	struct history_range settled = {
		.child = range->disk,
		.sector = range->sector,
		.sectors = range->sectors,
		.state = state,
	};
	struct pmem pmem = { 0 };

	if (nd_find(range->disk, &pmem) && pmem.uuid[0])
		settled.namespace = pmem.uuid;
	if (!history_settled(HISTORY_FOLDER, &settled, NULL))
		note(HISTORY_FOLDER ": %s; the history goes on listing the range",
		     strerror(errno));
	clear_record(range);
}

/* The range is good again. */
void books_repaired(const struct media_range *range)
{
	settle(range, NULL);
}

/* The range is bad, and no file has it but the quarantine's. */
void books_quarantined(const struct media_range *range)
{
	settle(range, "quarantined");
}

/* Write the history, unless the monitor runs: it reads what was noted by itself. */
void books_close(void)
{
	struct history history;

	if (access(HISTORY_FOLDER, F_OK) || !history_open(&history, HISTORY_FOLDER))
		return;
	if (!history_settle(&history))
		note(HISTORY_FOLDER ": %s; the monitor writes the history later", strerror(errno));
	history_free(&history);
}
