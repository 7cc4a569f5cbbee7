// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pattern.h"
#include "processes.h"
#include "steps.h"

static int64_t result_of(int64_t result)
{
	return result < 0 ? -errno : result;
}

static int64_t do_write(const struct step *step)
{
	return model_write(step->file, step->file->fd, step->offset, step->length, step->number);
}

static int64_t do_direct(const struct step *step)
{
	int fd = open(step->file->name, O_RDWR | O_DIRECT);
	int64_t result;

	if (fd < 0)
		return -errno;
	result = model_write(step->file, fd, step->offset, step->length, step->number);
	close(fd);
	return result;
}

static int64_t do_store(const struct step *step)
{
	/* All of it, so that huge pages are possible. */
	unsigned char *map = mmap(NULL, step->file->size, PROT_READ | PROT_WRITE, MAP_SHARED,
				  step->file->fd, 0);

	if (map == MAP_FAILED)
		return -errno;
	pattern_fill(map + step->offset, step->offset, step->length, step->number);
	model_written(step->file, step->offset, map + step->offset, step->length);
	munmap(map, step->file->size);
	return step->length;
}

static int64_t do_read(const struct step *step)
{
	int64_t result = 0;

	if (model_file_differs(step->file, step->offset, step->length, &result))
		exit(EXIT_DIFFERS);
	return result;
}

static int64_t do_load(const struct step *step)
{
	struct file *file = step->file;
	unsigned char *map = mmap(NULL, file->size, PROT_READ, MAP_SHARED, file->fd, 0);

	if (map == MAP_FAILED)
		return -errno;
	if (model_data_differs(file, map, 0, file->size))
		exit(EXIT_DIFFERS);
	munmap(map, file->size);
	return file->size;
}

static int64_t do_check(const struct step *step)
{
	int64_t result;

	(void)step;
	if (model_differs(&result))
		exit(EXIT_DIFFERS);
	return result;
}

static int64_t do_clone(const struct step *step)
{
	struct file *old = step->file, *new = step->other;

	if (ftruncate(new->fd, 0) || ioctl(new->fd, FICLONE, old->fd))
		return -errno;
	model_cloned(new, old);
	return 0;
}

static int64_t do_copy(const struct step *step)
{
	const unsigned char *data = step->file->model + step->offset;
	int64_t result = result_of(pwrite(step->other->fd, data, step->length, step->other_offset));

	model_written(step->other, step->other_offset, data, result);
	return result;
}

static int64_t do_dedupe(const struct step *step)
{
	struct {
		struct file_dedupe_range range;
		struct file_dedupe_range_info info;
	} order = {
		.range = { .src_offset = step->offset, .src_length = step->length,
			   .dest_count = 1 },
		.info = { .dest_fd = step->other->fd, .dest_offset = step->other_offset },
	};
	bool same = !memcmp(step->file->model + step->offset,
			    step->other->model + step->other_offset, step->length);

	if (ioctl(step->file->fd, FIDEDUPERANGE, &order))
		return -errno;
	if (order.info.status < 0)
		return order.info.status;
	if (order.info.status == FILE_DEDUPE_RANGE_SAME &&
	    order.info.bytes_deduped != step->length)
		return order.info.bytes_deduped;
	printf("%s\n", order.info.status == FILE_DEDUPE_RANGE_SAME ? "same" : "differs");
	if (same != (order.info.status == FILE_DEDUPE_RANGE_SAME)) {
		printf("dedupe: %s and %s %s\n", step->file->name, step->other->name,
		       same ? "are the same" : "differ");
		exit(EXIT_DIFFERS);
	}
	return step->length;
}

static int64_t allocate(const struct step *step, int mode)
{
	return result_of(fallocate(step->file->fd, mode, step->offset, step->length));
}

static int64_t do_reserve(const struct step *step)
{
	int64_t result = allocate(step, 0);

	if (!result)
		step->file->size = MAX(step->file->size, step->offset + step->length);
	return result;
}

static int64_t do_unshare(const struct step *step)
{
	return allocate(step, FALLOC_FL_UNSHARE_RANGE | FALLOC_FL_KEEP_SIZE);
}

static int64_t do_zero(const struct step *step)
{
	int64_t result = allocate(step, FALLOC_FL_ZERO_RANGE);

	if (!result)
		model_zeroed(step->file, step->offset, step->length);
	return result;
}

static int64_t do_punch(const struct step *step)
{
	int64_t result = allocate(step, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE);

	if (!result && step->offset < step->file->size)
		model_zeroed(step->file, step->offset,
			     MIN(step->length, step->file->size - step->offset));
	return result;
}

static int64_t do_truncate(const struct step *step)
{
	if (ftruncate(step->file->fd, step->length))
		return -errno;
	model_truncated(step->file, step->length);
	return 0;
}

static int64_t do_sync(const struct step *step)
{
	return result_of(fsync(step->file->fd));
}

static int64_t do_mark(const struct step *step)
{
	(void)step;
	printf("mark\n");
	return 0;
}

static const struct command commands[] = {
	{ "write", "fpl", do_write },
	{ "direct", "fpl", do_direct },
	{ "store", "fpl", do_store },
	{ "read", "fpl", do_read },
	{ "load", "f", do_load },
	{ "check", "", do_check },
	{ "clone", "fo", do_clone },
	{ "copy", "fploq", do_copy },
	{ "dedupe", "fploq", do_dedupe },
	{ "reserve", "fpl", do_reserve },
	{ "unshare", "fpl", do_unshare },
	{ "zero", "fpl", do_zero },
	{ "punch", "fpl", do_punch },
	{ "truncate", "fl", do_truncate },
	{ "sync", "f", do_sync },
	{ "kill", "fplq", do_kill },
	{ "crowd", "fplq", do_crowd },
	{ "hog", "l", do_hog },
	{ "mark", "", do_mark },
};

const struct command *find_command(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	}
	return NULL;
}
