// SPDX-License-Identifier: GPL-2.0
/*
 * dax-bench: counts what it costs to use a file or a device, and to load a table.
 *
 *	dax-bench [-d] [-o OFFSET | -l LIST] read|write|read-fault|write-fault COUNT SIZE FILE
 *	dax-bench load COUNT TABLE
 *
 * Does it COUNT times and prints the processor's cycles that each took.  In a guest
 * whose clock counts instructions (qemu -icount shift=0) they are instructions.
 *
 * Reads and the like go from OFFSET on, SIZE bytes further each time.  A fault is the
 * first touch of a page of a shared mapping; a SIZE of 4096 or 2097152 has the mapping
 * allow pages of that size and no larger.  What is written is zeroes.
 *
 * LIST is a file of COUNT offsets, 64 bits each, that are taken instead.  Each is counted
 * several times and the least is printed: one of them may pay for a page table or for a
 * slab, which the others use as well, or for folding a counter of the CPU into that of all.
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
#define PAGE		4096UL

/* Two ticks of a kernel of 100 a second, and more. */
#define TICKS_US	25000

/* How often each offset of a list is counted.  The first time makes page tables. */
#define ROUNDS		10

/* Where to read, write or touch. */
struct places {
	off_t first;
	uint64_t *list;		/* NULL: one after the other from @first on */
	size_t size;
	unsigned int count;
};

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

/*
 * Keep interrupts away, or not.
 *
 * The clock of files stands still meanwhile.  If a file was given a finer time since its last
 * tick, each look at it takes some 20 instructions more.  So wait for the next.
 */
static void mask(bool on)
{
	static int bench = -1;

	if (bench < 0)
		bench = file_of("/dev/daxbench", O_RDWR);
	if (on)
		usleep(TICKS_US);
	if (ioctl(bench, DAXBENCH_MASK, on))
		err(1, "/dev/daxbench");
}

static uint64_t *list_of(const char *path, unsigned int count)
{
	size_t size = count * sizeof(uint64_t);
	uint64_t *list = malloc(size);

	if (!list || read(file_of(path, O_RDONLY), list, size) != (ssize_t)size)
		err(1, "%s", path);
	return list;
}

static off_t offset_of(const struct places *places, unsigned int i)
{
	return places->list ? (off_t)places->list[i] : places->first + (off_t)(i * places->size);
}

/*
 * Return which one is the @i-th of a round.
 *
 * Every 11th or 32nd use folds a counter.  Some counters are where they were after each round, as
 * pages are unmapped, others go on.  By steps that grow, an offset meets neither in all rounds,
 * however many offsets there are.
 */
static unsigned int turn(const struct places *places, unsigned int round, unsigned int i)
{
	return (i + round * (round + 1) / 2) % places->count;
}

static unsigned int rounds(const struct places *places)
{
	return places->list ? ROUNDS : 1;
}

static void keep_least(uint64_t *sample, uint64_t value)
{
	if (value < *sample)
		*sample = value;
}

static void count_calls(int fd, bool write, const struct places *places, uint64_t *samples)
{
	uint64_t clock = overhead(), begin;
	size_t size = places->size;
	unsigned int i, round;
	ssize_t done;
	void *buffer;

	buffer = aligned_alloc(HUGE_SIZE, (size + HUGE_SIZE - 1) / HUGE_SIZE * HUGE_SIZE);
	if (!buffer)
		err(1, "a buffer of %zu bytes", size);
	memset(buffer, 0, size);
	mask(true);
	for (round = 0; round < rounds(places); round++)
		for (i = 0; i < places->count; i++) {
			unsigned int one = turn(places, round, i);
			off_t offset = offset_of(places, one);

			begin = __rdtsc();
			done = write ? pwrite(fd, buffer, size, offset) :
				       pread(fd, buffer, size, offset);
			keep_least(&samples[one], __rdtsc() - begin - clock);
			if (done != (ssize_t)size)
				err(1, "%zd bytes at %lld", done, (long long)offset);
		}
	mask(false);
}

/*
 * Map a file from @offset on, where it may have huge pages or where it cannot: there the file
 * is a page off their boundaries.
 */
static char *map(int fd, off_t offset, size_t length, bool huge)
{
	char *area = mmap(NULL, length + 2 * HUGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);

	if (area == MAP_FAILED)
		err(1, "reserving %zu bytes", length);
	area += -(uintptr_t)area % HUGE_SIZE;
	if (!huge)
		area += offset % HUGE_SIZE + PAGE;
	area = mmap(area, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, offset);
	if (area == MAP_FAILED)
		err(1, "mapping %zu bytes", length);
	return area;
}

static void count_faults(int fd, bool write, const struct places *places, uint64_t *samples)
{
	uint64_t clock = overhead(), begin;
	volatile char *area, *at;
	unsigned int i, one, round;
	struct stat status;
	size_t length;

	if (fstat(fd, &status))
		err(1, "what is to be mapped");
	length = places->list ? (size_t)status.st_size : places->size * places->count;
	area = map(fd, places->first, length, places->size >= HUGE_SIZE);
	mask(true);
	for (round = 0; round < rounds(places); round++) {
		for (i = 0; i < places->count; i++) {
			one = turn(places, round, i);
			at = area + (offset_of(places, one) - places->first);
			if (write) {
				begin = __rdtsc();
				*at = 0;
			} else {
				begin = __rdtsc();
				(void)*at;
			}
			keep_least(&samples[one], __rdtsc() - begin - clock);
		}
		/* Page by page: with a larger piece, newer kernels would free the page tables. */
		for (i = 0; i < places->count; i++) {
			at = area + (offset_of(places, i) - places->first);
			if (madvise((void *)at, places->size, MADV_DONTNEED))
				err(1, "unmapping a page");
		}
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
	const char *list = NULL;
	struct places places = { };
	int option, flags = O_RDWR;
	unsigned int count, i;
	uint64_t *samples;

	while ((option = getopt(argc, argv, "dl:o:")) != -1) {
		switch (option) {
		case 'd':
			flags |= O_DIRECT;
			break;
		case 'l':
			list = optarg;
			break;
		case 'o':
			places.first = strtoull(optarg, NULL, 0);
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
	samples = malloc(count * sizeof(*samples));
	if (!samples)
		err(1, "%u samples", count);
	/* Touched, so that no sample pays for the page it is put on. */
	memset(samples, 0xff, count * sizeof(*samples));

	if (!strcmp(argv[0], "load")) {
		count_loads(argv[2], count, samples);
	} else {
		bool write = !strncmp(argv[0], "write", strlen("write"));
		int fd = file_of(argv[3], flags);

		places.count = count;
		places.size = strtoul(argv[2], NULL, 0);
		places.list = list ? list_of(list, count) : NULL;
		if (!strcmp(argv[0], "read") || !strcmp(argv[0], "write"))
			count_calls(fd, write, &places, samples);
		else if (!strcmp(argv[0], "read-fault") || !strcmp(argv[0], "write-fault"))
			count_faults(fd, write, &places, samples);
		else
			errx(2, "cannot %s", argv[0]);
	}
	for (i = 0; i < count; i++)
		printf("%llu\n", (unsigned long long)samples[i]);
	return 0;
}
