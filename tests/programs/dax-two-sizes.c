// SPDX-License-Identifier: GPL-2.0
/*
 * dax-two-sizes: uses a file by a mapping of 2 MiB and by one of 4 KiB.
 *
 *	dax-two-sizes read|write FILE
 *
 * Maps the first 2 MiB of FILE, shared, at an address that is a multiple of 2 MiB, and once more a
 * page behind such an address, where the kernel can map pages of 4 KiB only. Reads a byte of the
 * first page by the one mapping, then reads or writes a byte of the third page by the other.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HUGE_PAGE	(2UL << 20)
#define SMALL_PAGE	4096UL

/* Map the file so far behind a multiple of 2 MiB. */
static volatile unsigned char *map_file(int fd, size_t behind)
{
	uint8_t *space = mmap(NULL, 3 * HUGE_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *address;

	if (space == MAP_FAILED)
		err(EXIT_FAILURE, "mmap");
	address = space + -(uintptr_t)space % HUGE_PAGE + behind;
	if (mmap(address, HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) ==
	    MAP_FAILED)
		err(EXIT_FAILURE, "mmap");
	return address;
}

int main(int argc, char **argv)
{
	volatile unsigned char *huge, *small;
	int fd;

	if (argc != 3)
		errx(EXIT_FAILURE, "read or write, and a file, please");
	fd = open(argv[2], O_RDWR);
	if (fd < 0)
		err(EXIT_FAILURE, "%s", argv[2]);
	huge = map_file(fd, 0);
	small = map_file(fd, SMALL_PAGE);

	(void)huge[0];
	if (strcmp(argv[1], "write"))
		(void)small[2 * SMALL_PAGE];
	else
		small[2 * SMALL_PAGE] = 'x';
	return EXIT_SUCCESS;
}
