// SPDX-License-Identifier: GPL-2.0
/*
 * dax-two-sizes: uses a file by a mapping of a huge page and by one of single pages.
 *
 *	dax-two-sizes read|write FILE HUGE
 *
 * Maps the first HUGE bytes of FILE, a huge page, shared, at an address that is a multiple of that,
 * and once more a page behind such an address, where the kernel can map single pages only. Reads a
 * byte of the first page by the one mapping, then reads or writes a byte of the third page by the
 * other.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Map the file so far behind a multiple of a huge page. */
static volatile unsigned char *map_file(int fd, size_t huge_page, size_t behind)
{
	uint8_t *space = mmap(NULL, 3 * huge_page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *address;

	if (space == MAP_FAILED)
		err(EXIT_FAILURE, "mmap");
	address = space + -(uintptr_t)space % huge_page + behind;
	if (mmap(address, huge_page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) ==
	    MAP_FAILED)
		err(EXIT_FAILURE, "mmap");
	return address;
}

int main(int argc, char **argv)
{
	size_t page = sysconf(_SC_PAGESIZE), huge_page = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
	volatile unsigned char *huge, *small;
	int fd;

	if (!huge_page)
		errx(EXIT_FAILURE, "read or write, a file, and the size of a huge page, please");
	fd = open(argv[2], O_RDWR);
	if (fd < 0)
		err(EXIT_FAILURE, "%s", argv[2]);
	huge = map_file(fd, huge_page, 0);
	small = map_file(fd, huge_page, page);

	(void)huge[0];
	if (strcmp(argv[1], "write"))
		(void)small[2 * page];
	else
		small[2 * page] = 'x';
	return EXIT_SUCCESS;
}
