// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "repair/media.h"
#include "sys/sysfs.h"
#include "util/alloc.h"

/* Whether a sector of the range is in the list. */
bool media_is_listed(const struct media_range *range)
{
	char *text = read_text("/sys/block/%s/badblocks", range->disk), *rest = text, *line;
	uintmax_t sector, sectors;
	bool found = false;

	while (!found && (line = strsep(&rest, "\n")))
		found = sscanf(line, "%ju %ju", &sector, &sectors) == 2 &&
			sector < range->sector + range->sectors &&
			range->sector < sector + sectors;
	free(text);
	return found;
}

/*
 * Add the range to the list, unless it is lost or a sector of it is there: a write then asks the
 * platform to clear it, and where that cannot be, the driver refuses all access instead of a
 * machine check.
 */
bool media_list(const struct media_range *range)
{
	char *path = format_text("/sys/block/%s/badblocks", range->disk);
	bool done = range->lost || media_is_listed(range);
	int fd;

	if (!done) {
		fd = open(path, O_WRONLY | O_CLOEXEC);
		done = fd >= 0 && dprintf(fd, "%ju %ju\n", (uintmax_t)range->sector,
					  (uintmax_t)range->sectors) > 0;
		if (fd >= 0)
			close(fd);
	}
	free(path);
	return done;
}
