/* SPDX-License-Identifier: GPL-2.0 */
/* The children that have a record, and how far each was alerted about. */
#ifndef WATCH_CHILDREN_H
#define WATCH_CHILDREN_H

#include <poll.h>

#include "health/history.h"
#include "watch/alert.h"

struct watched {
	struct identity id;
	ino_t inode;		/* of its record, which tells it from another one of this name */
	int seq_fd, badblocks_fd;	/* poll() returns when they change; -1 if there is none */
	uint64_t seen;		/* the last event that was looked at by this process */
	uint64_t done;		/* the last one that the history and the hooks have, or will have */
	uint64_t done_ns;	/* its time */
	uint64_t journaled;	/* the last one that the journal has */
	uint64_t parts;		/* how many parts of that */
	uint64_t pending;	/* the event whose result is waited for, or 0 */
	uint64_t until;		/* how long, on the monotonic clock */
	bool ready;		/* it is identified, and the numbers above are set */
	bool lasting;		/* still there, while the list is brought up to date */
};

struct children_list {
	struct watched *children;
	size_t nr;
};

bool children_update(struct children_list *list);
bool child_identify(struct watched *child, const struct history *history, const char *boot);
void child_resume(struct watched *child, const struct history *history, const char *boot,
		  const struct record *record, bool journal);
void child_arm(const struct watched *child);
const char *child_namespace(const struct watched *child);

#endif
