/* SPDX-License-Identifier: GPL-2.0 */
/* The steps: what is done to files, and to the model of them. */
#ifndef COW_STEPS_H
#define COW_STEPS_H

#include <stddef.h>
#include <stdint.h>

#include "model.h"

struct step {
	unsigned int number;
	struct file *file, *other;
	size_t offset, length, other_offset;
};

struct command {
	const char *name;
	/*
	 * Each letter is a word that follows: f(ile), o(ther file), p(lace in the file), l(ength),
	 * q: place in the other file.
	 */
	const char *words;
	/*
	 * Returns an error, or the length of the data that it moved if that is what it does.  Ends
	 * the program with EXIT_DIFFERS if a file differs from its model.
	 */
	int64_t (*run)(const struct step *step);
};

/* Returns the command of a name, or NULL. */
const struct command *find_command(const char *name);

#endif
