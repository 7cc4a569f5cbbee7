// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sys/ends.h"

/* What a read fails for, and what a write makes good. */
#define END_PAGE_BYTES	4096
/* A partition table needs 20 KiB at the end, and 24 KiB at the start. */
#define PAGES	8

/* The first entry of an MBR, and what the entry of a protective one has. */
#define MBR_TYPE	450
#define MBR_START	454
#define MBR_LEN		458
#define MBR_MAGIC	510
#define MBR_GPT		0xee

/* Call a function for each page of both ends, until one returns false. */
static bool each_page(int fd, bool (*call)(int fd, off_t at, void *data), void *data)
{
	off_t end = lseek(fd, 0, SEEK_END), at;

	for (at = 0; at < end && at < PAGES * END_PAGE_BYTES; at += END_PAGE_BYTES)
		if (!call(fd, at, data))
			return false;
	at = (end / END_PAGE_BYTES - PAGES) * END_PAGE_BYTES;
	for (at = at > 0 ? at : 0; at < end; at += END_PAGE_BYTES)
		if (!call(fd, at, data))
			return false;
	return true;
}

struct copy {
	int image;
	bool is_bad;	/* the first page cannot be read */
};

static bool copy_page(int fd, off_t at, void *data)
{
	char page[END_PAGE_BYTES];
	struct copy *copy = data;
	ssize_t len = pread(fd, page, sizeof(page), at);

	if (len < 0) {
		if (errno != EIO)
			return false;
		copy->is_bad |= !at;
		len = sizeof(page);
		memset(page, 0xff, len);
	}
	return pwrite(copy->image, page, len, at) == len;
}

/**
 * ends_copy - copy both ends of a disk to a file in memory
 * @fd: The disk.
 * @is_bad: Set to whether the first page of the disk cannot be read.
 *
 * What lies between is a hole.  A bad page of the media has no checksum that is right there:
 * libraries stop at the first error of a read, and do not look at what there is at the other end.
 *
 * Return: The file, of the length of the disk, or -1.
 */
int ends_copy(int fd, bool *is_bad)
{
	struct copy copy = { .image = memfd_create("ends", MFD_CLOEXEC) };

	if (copy.image < 0)
		return -1;
	if (ftruncate(copy.image, lseek(fd, 0, SEEK_END)) || !each_page(fd, copy_page, &copy)) {
		close(copy.image);
		return -1;
	}
	*is_bad = copy.is_bad;
	return copy.image;
}

/* A protective MBR.  Without one, the second copy of a partition table does not count. */
static void put_mbr(unsigned char *page)
{
	page[MBR_TYPE] = MBR_GPT;
	page[MBR_START] = 1;
	memset(page + MBR_LEN, 0xff, 4);
	page[MBR_MAGIC] = 0x55;
	page[MBR_MAGIC + 1] = 0xaa;
}

static bool clear_page(int fd, off_t at, void *data)
{
	unsigned char page[END_PAGE_BYTES] __attribute__((aligned(END_PAGE_BYTES)));
	int flags = fcntl(fd, F_GETFL);
	bool done;

	(void)data;
	if (pread(fd, page, sizeof(page), at) >= 0 || errno != EIO)
		return true;
	memset(page, 0, sizeof(page));
	if (!at)
		put_mbr(page);
	/* The page cache would keep what could not be written. */
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_DIRECT))
		return false;
	done = pwrite(fd, page, sizeof(page), at) == sizeof(page);
	return !fcntl(fd, F_SETFL, flags) && done;
}

/*
 * Write the bad pages of both ends of a disk, which makes them good if the memory can do that.
 * Return false on failure; a page that is bad then stays so.
 */
bool ends_clear(int fd)
{
	return each_page(fd, clear_page, NULL);
}
