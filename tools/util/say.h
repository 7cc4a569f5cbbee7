/* SPDX-License-Identifier: GPL-2.0 */
/* Messages beside the results, on stderr, and exit codes. */
#ifndef SAY_H
#define SAY_H

#include <stdlib.h>

/* Exit codes, as the manual page has them. */
enum {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,		/* the command line is wrong */
	EXIT_FOUND = 3,		/* check, damage and lvm check found something wrong */
	/* A set of members cannot be used, see Documentation/members.rst. */
	EXIT_INCOMPLETE = 4,
	EXIT_DOUBLED = 5,
	EXIT_FOREIGN = 6,
	EXIT_STALE = 7,
	EXIT_DAMAGED = 8,
};

void say_begin(const char *command);
void say_to_kernel_log(void);
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
void die(int code, const char *format, ...) __attribute__((format(printf, 2, 3), noreturn));

#endif
