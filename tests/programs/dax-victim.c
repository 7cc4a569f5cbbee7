// SPDX-License-Identifier: GPL-2.0
/*
 * dax-victim: a process that uses a file's memory and prints which signal killed it.
 *
 *	dax-victim [-e|-l] [-r] [-s] [-o OFFSET] [-n LENGTH] FILE
 *
 * Maps FILE, shared, touches every page and prints "ready". Then it takes commands
 * from its standard input, a line each, and answers each with a line: "ok" and
 * what was asked for, or "error" and the errno. OFFSETs count from the start of
 * the mapping.
 *
 *	touch OFFSET		read a byte; answers with its value
 *	write OFFSET [VALUE]	write a byte
 *	poison OFFSET		poison the page, with madvise
 *	pfn OFFSET		the page's frame number
 *	quit			exit with 0
 *
 * A SIGBUS is printed as "sigbus CODE OFFSET LSB".  CODE is AO (memory failed that
 * is mapped), AR (it was about to be used) or a number, OFFSET is -1 if it is not in
 * the mapping, and LSB is si_addr_lsb, which says how much is lost.  Then it exits
 * with 3.
 *
 *	-e  early kill: a signal as soon as the memory fails
 *	-l  late kill: a signal only when the memory is used
 *	-r  map read-only, and touch by reading; otherwise by writing what is there
 *	-s  map with MAP_SYNC
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXIT_SIGBUS	3

static volatile unsigned char *map;
static size_t map_length;
static size_t page_size;

static const char *code_name(int code, char *number, size_t size)
{
	switch (code) {
	case BUS_MCEERR_AO:
		return "AO";
	case BUS_MCEERR_AR:
		return "AR";
	}
	snprintf(number, size, "%d", code);
	return number;
}

/* The signal comes in a system call or in an access of our own, never inside stdio. */
static void on_sigbus(int number, siginfo_t *info, void *context)
{
	uintptr_t offset = (uintptr_t)info->si_addr - (uintptr_t)map;
	char line[80], code[16];
	int length;

	(void)number;
	(void)context;
	length = snprintf(line, sizeof(line), "sigbus %s %jd %d\n",
			  code_name(info->si_code, code, sizeof(code)),
			  offset < map_length ? (intmax_t)offset : -1, info->si_addr_lsb);
	if (write(STDOUT_FILENO, line, length) != length)
		_exit(EXIT_FAILURE);
	_exit(EXIT_SIGBUS);
}

static void say(const char *format, ...)
{
	char line[120];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	/* Not through stdio: the handler prints too, and must not find a line half written. */
	if (write(STDOUT_FILENO, line, length) != length)
		err(EXIT_FAILURE, "standard output");
}

static int64_t page_frame(size_t offset)
{
	uint64_t entry;
	off_t at = ((uintptr_t)map + offset) / page_size * sizeof(entry);
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = pread(fd, &entry, sizeof(entry), at);
	close(fd);
	if (n != sizeof(entry))
		return -1;
	/* bit 63: present; bits 0-54: the frame */
	if (!(entry >> 63)) {
		errno = ENXIO;
		return -1;
	}
	return entry & ((1ULL << 55) - 1);
}

static void run(const char *command, size_t offset, int value)
{
	int64_t frame;

	if (offset >= map_length) {
		say("error %d\n", ERANGE);
	} else if (!strcmp(command, "touch")) {
		say("ok %d\n", map[offset]);
	} else if (!strcmp(command, "write")) {
		map[offset] = value;
		say("ok\n");
	} else if (!strcmp(command, "poison")) {
		if (madvise((char *)map + offset / page_size * page_size, page_size,
			    MADV_HWPOISON))
			say("error %d\n", errno);
		else
			say("ok\n");
	} else if (!strcmp(command, "pfn")) {
		frame = page_frame(offset);
		if (frame < 0)
			say("error %d\n", errno);
		else
			say("ok %jd\n", (intmax_t)frame);
	} else {
		say("error %d\n", EINVAL);
	}
}

static void take_commands(void)
{
	char line[80], command[16];
	size_t offset, length = 0;
	int value;
	char c;

	/* A byte at a time: stdio would be interrupted holding its lock. */
	while (read(STDIN_FILENO, &c, 1) == 1) {
		if (c != '\n') {
			if (length < sizeof(line) - 1)
				line[length++] = c;
			continue;
		}
		line[length] = '\0';
		length = 0;
		offset = 0;
		value = 0;
		if (sscanf(line, "%15s %zi %i", command, &offset, &value) < 1)
			continue;
		if (!strcmp(command, "quit"))
			return;
		run(command, offset, value);
	}
}

static void set_policy(int policy)
{
	if (prctl(PR_MCE_KILL, PR_MCE_KILL_SET, policy, 0, 0))
		err(EXIT_FAILURE, "PR_MCE_KILL");
}

static void map_file(const char *path, off_t offset, bool readonly, bool sync)
{
	int fd = open(path, readonly ? O_RDONLY : O_RDWR);
	struct stat stat;
	void *address;

	if (fd < 0 || fstat(fd, &stat))
		err(EXIT_FAILURE, "%s", path);
	if (!map_length)
		map_length = stat.st_size - offset;
	address = mmap(NULL, map_length, readonly ? PROT_READ : PROT_READ | PROT_WRITE,
		       sync ? MAP_SHARED_VALIDATE | MAP_SYNC : MAP_SHARED, fd, offset);
	if (address == MAP_FAILED)
		err(EXIT_FAILURE, "%s: mmap", path);
	map = address;
	close(fd);
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO };
	bool readonly = false, sync = false;
	off_t offset = 0;
	size_t at;
	int option;

	page_size = sysconf(_SC_PAGESIZE);
	while ((option = getopt(argc, argv, "elrso:n:")) != -1) {
		switch (option) {
		case 'e':
			set_policy(PR_MCE_KILL_EARLY);
			break;
		case 'l':
			set_policy(PR_MCE_KILL_LATE);
			break;
		case 'r':
			readonly = true;
			break;
		case 's':
			sync = true;
			break;
		case 'o':
			offset = strtoll(optarg, NULL, 0);
			break;
		case 'n':
			map_length = strtoull(optarg, NULL, 0);
			break;
		default:
			return EXIT_FAILURE;
		}
	}
	if (optind != argc - 1)
		errx(EXIT_FAILURE, "one file, please");

	map_file(argv[optind], offset, readonly, sync);
	sigaction(SIGBUS, &action, NULL);
	for (at = 0; at < map_length; at += page_size) {
		if (readonly)
			(void)map[at];
		else
			map[at] = map[at];
	}
	say("ready\n");
	take_commands();
	return EXIT_SUCCESS;
}
