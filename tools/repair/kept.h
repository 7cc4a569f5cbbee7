/* SPDX-License-Identifier: GPL-2.0 */
/* What a write to a file changes beside the contents: kept before, and restored after. */
#ifndef KEPT_H
#define KEPT_H

#include <stdbool.h>
#include <sys/stat.h>

struct kept {
	struct stat status;
	char capability[64];	/* the extended attribute */
	ssize_t len;		/* -1 if there is none */
};

bool kept_read(int fd, struct kept *kept);
void kept_restore(int fd, const struct kept *kept);

#endif
