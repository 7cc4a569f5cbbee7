// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model.h"
#include "pattern.h"

#define MIB		(1UL << 20)
#define MAX_FILES	16
/* How many differences of a comparison are printed. */
#define MAX_PRINTED	12

unsigned char *scratch;

static struct file files[MAX_FILES];
static unsigned int nr_files;

static unsigned char *reserve_memory(void)
{
	void *memory = mmap(NULL, ROOM, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		err(EXIT_FAILED, "%lu bytes of memory", ROOM);
	return memory;
}

void model_init(void)
{
	scratch = reserve_memory();
}

struct file *model_file(const char *name)
{
	struct file *file;

	for (file = files; file < files + nr_files; file++) {
		if (!strcmp(file->name, name))
			return file;
	}
	if (nr_files == MAX_FILES || strlen(name) >= sizeof(file->name))
		errx(EXIT_FAILED, "%s: too many files, or too long a name", name);
	nr_files++;
	strcpy(file->name, name);
	file->fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (file->fd < 0)
		err(EXIT_FAILED, "%s", name);
	file->size = 0;
	file->model = reserve_memory();
	return file;
}

void model_written(struct file *file, size_t offset, const void *data, int64_t length)
{
	if (length <= 0)
		return;
	memcpy(file->model + offset, data, length);
	file->size = MAX(file->size, offset + length);
}

void model_zeroed(struct file *file, size_t offset, size_t length)
{
	memset(file->model + offset, 0, length);
	file->size = MAX(file->size, offset + length);
}

void model_truncated(struct file *file, size_t length)
{
	if (file->size > length)
		memset(file->model + length, 0, file->size - length);
	file->size = length;
}

void model_cloned(struct file *new, const struct file *old)
{
	memcpy(new->model, old->model, old->size);
	if (new->size > old->size)
		memset(new->model + old->size, 0, new->size - old->size);
	new->size = old->size;
}

int64_t model_write(struct file *file, int fd, size_t offset, size_t length, unsigned int step)
{
	int64_t result;

	pattern_fill(scratch, offset, length, step);
	result = pwrite(fd, scratch, length, offset);
	if (result < 0)
		return -errno;
	model_written(file, offset, scratch, result);
	return result;
}

/* Prints the first and the last byte of each page that differ, of MAX_PRINTED pages at most. */
static bool print_differences(const struct file *file, const unsigned char *data, size_t offset,
			      size_t length, unsigned int *printed)
{
	const unsigned char *model = file->model + offset;
	size_t first, end;
	bool differs = false;

	for (first = 0; first < length; first = end) {
		end = MIN(length, first + PAGE - (offset + first) % PAGE);
		if (!memcmp(data + first, model + first, end - first))
			continue;
		differs = true;
		while (data[first] == model[first])
			first++;
		while (data[end - 1] == model[end - 1])
			end--;
		if ((*printed)++ < MAX_PRINTED) {
			printf("%s: %zu bytes at %zu are ", file->name, end - first,
			       offset + first);
			pattern_print(data + first, offset + first, end - first);
			printf(", not ");
			pattern_print(model + first, offset + first, end - first);
			printf("\n");
		}
		end = MIN(length, (offset + end + PAGE - 1) / PAGE * PAGE - offset);
	}
	return differs;
}

bool model_data_differs(const struct file *file, const unsigned char *data, size_t offset,
			size_t length)
{
	unsigned int printed = 0;

	return print_differences(file, data, offset, length, &printed);
}

bool model_file_differs(const struct file *file, size_t offset, size_t length, int64_t *result)
{
	unsigned int printed = 0;
	bool differs = false;
	size_t end = offset + length;

	for (; offset < end; offset += *result) {
		*result = pread(file->fd, scratch, MIN(end - offset, 4 * MIB), offset);
		if (*result <= 0) {
			*result = *result ? -errno : -ENODATA;
			return differs;
		}
		if (memcmp(scratch, file->model + offset, *result))
			differs |= print_differences(file, scratch, offset, *result, &printed);
	}
	*result = length;
	return differs;
}

bool model_differs(int64_t *result)
{
	const struct file *file;
	bool differs = false;
	struct stat stat;

	*result = 0;
	for (file = files; file < files + nr_files && *result >= 0; file++) {
		if (fstat(file->fd, &stat)) {
			*result = -errno;
			break;
		}
		if ((size_t)stat.st_size != file->size) {
			printf("%s: has %jd bytes, not %zu\n", file->name, (intmax_t)stat.st_size,
			       file->size);
			differs = true;
		}
		differs |= model_file_differs(file, 0, MIN(file->size, (size_t)stat.st_size),
					      result);
	}
	return differs;
}

bool model_is_neither(struct file *file, size_t offset, const unsigned char *new, size_t length)
{
	size_t end = MIN((offset + length + PAGE - 1) / PAGE * PAGE, file->size), at, from, to;
	unsigned char block[PAGE], changed[PAGE];
	unsigned int printed = 0, nr_new = 0;
	bool differs = false;

	for (at = offset / PAGE * PAGE; at < end; at += PAGE) {
		size_t size = MIN(end - at, PAGE);

		if (pread(file->fd, block, size, at) != (ssize_t)size)
			err(EXIT_FAILED, "%s at %zu", file->name, at);
		from = MAX(offset, at);
		to = MIN(offset + length, at + size);
		memcpy(changed, file->model + at, size);
		memcpy(changed + from - at, new + from - offset, to - from);
		if (!memcmp(block, changed, size)) {
			memcpy(file->model + at, changed, size);
			nr_new++;
		} else {
			differs |= print_differences(file, block, at, size, &printed);
		}
	}
	printf("%u new\n", nr_new);
	return differs;
}
