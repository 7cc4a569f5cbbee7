// SPDX-License-Identifier: GPL-2.0
/*
 * dax-bench: counts what it costs to use a file or a device, and to load a table.
 *
 *	dax-bench [-d] [-o OFFSET] read|write|read-fault|write-fault COUNT SIZE FILE
 *	dax-bench load COUNT TABLE
 *
 * Does it COUNT times and prints the processor's cycles that each took.  In a guest
 * whose clock counts instructions (qemu -icount shift=0) they are instructions.
 *
 * Reads and the like go from OFFSET on, SIZE bytes further each time.  A fault is the
 * first touch of a page of a shared mapping; a SIZE of 4096 or 2097152 has the mapping
 * allow pages of that size and no larger.  What is written is zeroes.
 *
 * TABLE is what device-mapper's system call takes, a struct dm_ioctl with what follows
 * it.  Each load replaces the one before, which is cleared first and not counted.
 *
 * /dev/daxbench keeps interrupts away meanwhile.
 *
 *	-d  O_DIRECT
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <x86intrin.h>

#include "../modules/daxbench.h"

#define HUGE_SIZE	(2UL << 20)

static uint64_t overhead(void)
{
	uint64_t begin = __rdtsc();

	return __rdtsc() - begin;
}

static int file_of(const char *path, int flags)
{
	int fd = open(path, flags);

	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

/* Keep interrupts away, or not. */
static void mask(bool on)
{
	static int bench = -1;

	if (bench < 0)
		bench = file_of("/dev/daxbench", O_RDWR);
	if (ioctl(bench, DAXBENCH_MASK, on))
		err(1, "/dev/daxbench");
}

static void count_calls(int fd, bool write, off_t offset, size_t size, unsigned int count,
			uint64_t *samples)
{
	uint64_t clock = overhead(), begin;
	unsigned int i;
	ssize_t done;
	void *buffer;

	buffer = aligned_alloc(HUGE_SIZE, (size + HUGE_SIZE - 1) / HUGE_SIZE * HUGE_SIZE);
	if (!buffer)
		err(1, "a buffer of %zu bytes", size);
	memset(buffer, 0, size);
	mask(true);
	for (i = 0; i < count; i++, offset += size) {
		begin = __rdtsc();
		done = write ? pwrite(fd, buffer, size, offset) : pread(fd, buffer, size, offset);
		samples[i] = __rdtsc() - begin - clock;
		if (done != (ssize_t)size)
			err(1, "%zd bytes at %lld", done, (long long)offset);
	}
	mask(false);
}

/* Where a mapping may have huge pages, or a place that is too small for one. */
static void *map(int fd, off_t offset, size_t size, size_t length)
{
	char *area = mmap(NULL, length + HUGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (area == MAP_FAILED)
		err(1, "reserving %zu bytes", length);
	if (size < HUGE_SIZE && length >= HUGE_SIZE)
		errx(1, "more than 2 MiB in small pages");
	area += -(uintptr_t)area % HUGE_SIZE;
	area = mmap(area, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, offset);
	if (area == MAP_FAILED)
		err(1, "mapping %zu bytes", length);
	return area;
}

static void count_faults(int fd, bool write, off_t offset, size_t size, unsigned int count,
			 uint64_t *samples)
{
	volatile char *area = map(fd, offset, size, size * count), *at;
	uint64_t clock = overhead(), begin;
	unsigned int i;

	mask(true);
	for (i = 0; i < count; i++) {
		at = area + i * size;
		if (write) {
			begin = __rdtsc();
			*at = 0;
		} else {
			begin = __rdtsc();
			(void)*at;
		}
		samples[i] = __rdtsc() - begin - clock;
	}
	mask(false);
}

static void count_loads(const char *path, unsigned int count, uint64_t *samples)
{
	int fd = file_of(path, O_RDONLY), control = file_of("/dev/mapper/control", O_RDWR);
	uint64_t clock = overhead(), begin;
	struct dm_ioctl *table, *call;
	struct stat status;
	unsigned int i;
	int error;

	if (fstat(fd, &status))
		err(1, "%s", path);
	table = malloc(status.st_size);
	call = malloc(status.st_size);
	if (!table || !call || read(fd, table, status.st_size) != status.st_size)
		err(1, "%s", path);
	for (i = 0; i < count; i++) {
		*call = *table;
		call->data_size = sizeof(*call);
		if (i && ioctl(control, DM_TABLE_CLEAR, call))
			err(1, "clearing");
		/* What the last one freed is freed later; the guest's time costs nothing. */
		usleep(100000);
		memcpy(call, table, status.st_size);
		mask(true);
		begin = __rdtsc();
		error = ioctl(control, DM_TABLE_LOAD, call);
		samples[i] = __rdtsc() - begin - clock;
		mask(false);
		if (error)
			err(1, "loading");
	}
}

int main(int argc, char **argv)
{
	unsigned int count, i;
	int option, flags = O_RDWR;
	uint64_t *samples;
	off_t offset = 0;
	size_t size;

	while ((option = getopt(argc, argv, "do:")) != -1) {
		switch (option) {
		case 'd':
			flags |= O_DIRECT;
			break;
		case 'o':
			offset = strtoull(optarg, NULL, 0);
			break;
		default:
			return 2;
		}
	}
	argc -= optind;
	argv += optind;
	if (argc < 3 || argc != (strcmp(argv[0], "load") ? 4 : 3))
		errx(2, "wants what, count, size and file, or load, count and table");
	count = strtoul(argv[1], NULL, 0);
	size = strtoul(argv[2], NULL, 0);
	samples = calloc(count, sizeof(*samples));
	if (!samples)
		err(1, "%u samples", count);
	/* Touched, so that no sample pays for the page it is put on. */
	memset(samples, 1, count * sizeof(*samples));

	if (!strcmp(argv[0], "load"))
		count_loads(argv[2], count, samples);
	else if (!strcmp(argv[0], "read") || !strcmp(argv[0], "write"))
		count_calls(file_of(argv[3], flags), *argv[0] == 'w', offset, size, count, samples);
	else if (!strcmp(argv[0], "read-fault") || !strcmp(argv[0], "write-fault"))
		count_faults(file_of(argv[3], flags), *argv[0] == 'w', offset, size, count,
			     samples);
	else
		errx(2, "cannot %s", argv[0]);
	for (i = 0; i < count; i++)
		printf("%llu\n", (unsigned long long)samples[i]);
	return 0;
}
