/* SPDX-License-Identifier: GPL-2.0 */
/* Processes that map a page of a file, and what becomes of them. */
#ifndef ACTORS_H
#define ACTORS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What a process reports. */
struct actor_report {
	enum {
		ACTOR_SILENT,		/* nothing in time */
		ACTOR_READY,		/* at is the address of its mapping */
		ACTOR_FAILED,		/* err has why */
		ACTOR_ALIVE,		/* it has read the page */
		ACTOR_SIGBUS,		/* at, code and lsb are what the signal has */
	} what;
	int err;
	int code;
	unsigned int lsb;
	uint64_t at;
};

struct actor {
	pid_t pid;
	int to, from;		/* pipes */
	uint64_t address;	/* of its page */
};

bool actor_start(struct actor *actor, int fd, uint64_t offset);
void actor_poison(const struct actor *actor);
void actor_touch(const struct actor *actor);
struct actor_report actor_wait(const struct actor *actor);
void actor_end(struct actor *actor);

#endif
