// SPDX-License-Identifier: GPL-2.0
/*
 * steps.so: for LD_PRELOAD, counts what a command changes, and kills it.
 *
 * A step is a write to a block device, or a call that changes a mapped device.  STEPS_LOG is a file
 * that gets a line for each: "write" or "ioctl".  STEPS_KILL is the number, from 1, of the step
 * before which the command is killed.
 */
#include <dlfcn.h>
#include <linux/dm-ioctl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

static void step(const char *what)
{
	const char *log = getenv("STEPS_LOG"), *kill_at = getenv("STEPS_KILL");
	static int number;
	FILE *file;

	number++;
	if (kill_at && number == atoi(kill_at))
		raise(SIGKILL);
	file = log ? fopen(log, "a") : NULL;
	if (file) {
		fprintf(file, "%s\n", what);
		fclose(file);
	}
}

static void step_if_disk(int fd)
{
	struct stat status;

	if (!fstat(fd, &status) && S_ISBLK(status.st_mode))
		step("write");
}

ssize_t write(int fd, const void *data, size_t len)
{
	ssize_t (*next)(int fd, const void *data, size_t len) = dlsym(RTLD_NEXT, "write");

	step_if_disk(fd);
	return next(fd, data, len);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
	ssize_t (*next)(int fd, const void *data, size_t len, off_t at) = dlsym(RTLD_NEXT, "pwrite");

	step_if_disk(fd);
	return next(fd, data, len, at);
}

ssize_t pwrite64(int fd, const void *data, size_t len, off_t at)
{
	return pwrite(fd, data, len, at);
}

int ioctl(int fd, unsigned long request, ...)
{
	int (*next)(int fd, unsigned long request, void *data) = dlsym(RTLD_NEXT, "ioctl");
	va_list arguments;
	void *data;

	va_start(arguments, request);
	data = va_arg(arguments, void *);
	va_end(arguments);
	switch (request) {
	case DM_DEV_CREATE:
	case DM_DEV_REMOVE:
	case DM_DEV_RENAME:
	case DM_DEV_SUSPEND:
	case DM_TABLE_LOAD:
	case DM_TABLE_CLEAR:
		step("ioctl");
	}
	return next(fd, request, data);
}
