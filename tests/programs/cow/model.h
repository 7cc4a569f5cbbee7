/* SPDX-License-Identifier: GPL-2.0 */
/* What the files should hold, in memory, and the comparison of the files with it. */
#ifndef COW_MODEL_H
#define COW_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#define EXIT_DIFFERS	1
#define EXIT_FAILED	2

#define PAGE		((size_t)sysconf(_SC_PAGESIZE))
/* Of memory that is only reserved: no file and no request is longer. */
#define ROOM		(1UL << 30)

struct file {
	char name[32];
	int fd;
	size_t size;
	unsigned char *model;
};

/* ROOM bytes for the data of one request. */
extern unsigned char *scratch;

void model_init(void);

/* Returns the file of a name, which is made empty if it is new. */
struct file *model_file(const char *name);

/* Notes what a request has done; a length of 0 or less is nothing. */
void model_written(struct file *file, size_t offset, const void *data, int64_t length);
void model_zeroed(struct file *file, size_t offset, size_t length);
void model_truncated(struct file *file, size_t length);
void model_cloned(struct file *new, const struct file *old);

/*
 * Writes what a step writes, and notes what was written.  Returns the length of that or an error;
 * the rest must be as it was.
 */
int64_t model_write(struct file *file, int fd, size_t offset, size_t length, unsigned int step);

/*
 * Compare data, the file by read(), or all files with the model.  They print what differs.  The
 * latter two return whether something does, and in *result the length that was read or an error.
 */
bool model_data_differs(const struct file *file, const unsigned char *data, size_t offset,
			size_t length);
bool model_file_differs(const struct file *file, size_t offset, size_t length, int64_t *result);
bool model_differs(int64_t *result);

/*
 * Compares each block of a write with the old and the new one.  Notes and prints how many are new;
 * returns whether one is neither.
 */
bool model_is_neither(struct file *file, size_t offset, const unsigned char *new, size_t length);

#endif
