// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pattern.h"
#include "processes.h"

/* The steps of a crowd are numbered apart: so many for each of its processes. */
#define MAX_ROUNDS	64
/* The exit code of a process of a crowd that read what it had not written. */
#define MEMBER_DIFFERS	255

int64_t do_kill(const struct step *step)
{
	int status;
	pid_t pid;

	pattern_fill(scratch, step->offset, step->length, step->number);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		if (pwrite(step->file->fd, scratch, step->length, step->offset) < 0)
			_exit(EXIT_FAILED);
		_exit(EXIT_SUCCESS);
	}
	usleep(step->other_offset);
	kill(pid, SIGKILL);
	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	if (WIFEXITED(status) && WEXITSTATUS(status))
		return -EIO;
	if (model_is_neither(step->file, step->offset, scratch, step->length))
		exit(EXIT_DIFFERS);
	return 0;
}

static uint64_t random_number(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* One process of a crowd: returns the errno of a write, or MEMBER_DIFFERS. */
static int crowd_member(const struct step *step, unsigned int number)
{
	unsigned int first_step = step->number + 1 + number * MAX_ROUNDS;
	uint64_t state = UINT64_C(0x9e3779b97f4a7c15) * (number + 1);
	struct file *file = step->file;
	unsigned int round;
	size_t offset, length;
	int64_t result;
	char name[32];

	snprintf(name, sizeof(name), "crowd-%u", number);
	result = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (result < 0 || ioctl(result, FICLONE, file->fd))
		return errno;
	file->fd = result;
	strcpy(file->name, name);
	for (round = 0; round < step->length; round++) {
		offset = random_number(&state) % file->size;
		length = 1 + random_number(&state) % step->other_offset;
		length = MIN(length, file->size - offset);
		result = model_write(file, file->fd, offset, length, first_step + round);
		if (result < 0)
			return -result;
		if ((size_t)result < length)
			return EIO;
		if (model_file_differs(file, 0, file->size, &result))
			return MEMBER_DIFFERS;
		if (result < 0)
			return -result;
	}
	return 0;
}

int64_t do_crowd(const struct step *step)
{
	unsigned int number, nr_processes = step->offset;
	int64_t result = 0;
	int status;

	fflush(stdout);
	for (number = 0; number < nr_processes; number++) {
		pid_t pid = fork();

		if (pid < 0)
			err(EXIT_FAILED, "process %u", number);
		if (!pid) {
			status = crowd_member(step, number);
			fflush(stdout);
			_exit(status);
		}
	}
	for (; nr_processes; nr_processes--) {
		if (wait(&status) < 0)
			err(EXIT_FAILED, "wait");
		if (!WIFEXITED(status))
			errx(EXIT_FAILED, "one of the crowd died of signal %d", WTERMSIG(status));
		if (WEXITSTATUS(status) == MEMBER_DIFFERS)
			result = -EILSEQ;
		else if (WEXITSTATUS(status) && result != -EILSEQ)
			result = -WEXITSTATUS(status);
	}
	if (result == -EILSEQ)
		exit(EXIT_DIFFERS);
	return result;
}

int64_t do_hog(const struct step *step)
{
	size_t kib = 0, at, taken;
	unsigned char *memory;
	char line[120], c;
	int pipes[2];
	FILE *info;

	info = fopen("/proc/meminfo", "r");
	if (!info || pipe(pipes))
		return -errno;
	while (fgets(line, sizeof(line), info)) {
		if (sscanf(line, "MemAvailable: %zu", &kib) == 1)
			break;
	}
	fclose(info);
	if (kib * 1024 <= step->length)
		return -ENOMEM;
	taken = kib * 1024 - step->length;
	if (!fork()) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		memory = mmap(NULL, taken, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			      0);
		for (at = 0; memory != MAP_FAILED && at < taken; at += PAGE)
			memory[at] = 1;
		if (memory == MAP_FAILED || write(pipes[1], "", 1) != 1)
			_exit(EXIT_FAILED);
		pause();
	}
	close(pipes[1]);
	at = read(pipes[0], &c, 1);
	close(pipes[0]);
	return at == 1 ? (int64_t)taken : -ENOMEM;
}
