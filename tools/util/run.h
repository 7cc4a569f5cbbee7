/* SPDX-License-Identifier: GPL-2.0 */
/* Other programs, run without a shell. */
#ifndef RUN_H
#define RUN_H

#include <stdbool.h>
#include <stddef.h>

/* The words of a command, with a NULL at the end. */
struct words {
	char **words;
	size_t nr;
};

void words_add(struct words *words, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
bool run_program(const struct words *words);
bool run_quietly(const struct words *words);
bool run_into(const struct words *words, int fd);
void words_print(const struct words *words);

#endif
