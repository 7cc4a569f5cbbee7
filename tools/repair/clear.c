// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/blocks.h"
#include "repair/clear.h"
#include "sys/sysfs.h"

/* Write a block of one file over in place, and read it back. */
enum cleared clear_in_place(struct job *job, int fd, uint64_t offset, size_t len,
			    const struct media_range *media)
{
	if (!media_list(media))
		return NOT_TRIED;
	if (!block_write(fd, job->data, len, offset)) {
		/* Of the page cache: it has what could not be written. */
		posix_fadvise(fd, offset, len, POSIX_FADV_DONTNEED);
		return STAYS_BAD;
	}
	if (!file_uses_dax(fd))
		posix_fadvise(fd, offset, len, POSIX_FADV_DONTNEED);
	if (media_is_listed(media) || !block_read(fd, job->back, len, offset) ||
	    memcmp(job->data, job->back, len))
		return STAYS_BAD;
	return CLEARED;
}

/*
 * Write the last block of a file, which does not fill it, on the device: through the file, only a
 * whole block is cleared.  Under a lease no other process opens the file, so it keeps the block.
 */
enum cleared clear_on_device(struct job *job, const struct bad_block *bad,
			     const struct media_range *media)
{
	char *path = block_path(job->scene->device->dev);
	int fd = job->contents.fd, device;
	enum cleared cleared = NOT_TRIED;
	uint64_t place;

	/* By default it ends the program. */
	signal(SIGIO, SIG_IGN);
	device = open(path, O_WRONLY | O_DIRECT | O_CLOEXEC);
	free(path);
	if (device < 0)
		return NOT_TRIED;
	if (!fcntl(fd, F_SETLEASE, F_WRLCK)) {
		if (block_find(fd, bad->offset, &place) == BLOCK_WRITTEN && place == bad->place &&
		    media_list(media))
			cleared = block_write(device, job->data, job->contents.block, place) &&
				  !media_is_listed(media) ? CLEARED : STAYS_BAD;
		fcntl(fd, F_SETLEASE, F_UNLCK);
	}
	close(device);
	posix_fadvise(fd, bad->offset, job->contents.block, POSIX_FADV_DONTNEED);
	return cleared;
}
