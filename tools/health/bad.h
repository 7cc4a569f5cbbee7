/* SPDX-License-Identifier: GPL-2.0 */
/* The recorded bad ranges of a mapped device. */
#ifndef BAD_H
#define BAD_H

#include "device/stack.h"
#include "health/history.h"
#include "health/record.h"

/* Where a bad range is recorded. */
enum {
	BAD_MEDIA = 1,		/* the child's driver: its badblocks */
	BAD_RECORD = 2,		/* the kernel's record of failures */
	BAD_GONE = 4,		/* the child went away */
	BAD_HISTORY = 8,	/* what the monitor has kept, also of earlier boots, and replace */
};

/* The length of a time as text, with the NUL. */
#define BAD_TIME	32

struct bad {
	uint64_t start_bytes;	/* in the mapped device */
	uint64_t len_bytes;
	dev_t dev;		/* at the bottom */
	uint64_t offset_bytes;
	unsigned int known_by;
	size_t child;		/* in the list of children */
	char since[BAD_TIME];	/* first and last failure, by RFC 3339; "" if not known */
	char last[BAD_TIME];
	uint64_t events;	/* failures that the record has */
	uint64_t earlier;	/* failures that the history has */
	bool same_boot;		/* these are of the same boot: the history has some of the events */
	char result[16];	/* what became of the last failure; "" if not known */
	bool shutdown;		/* the holder shut down because of it */
	const struct history_range *history;	/* NULL if that has none */
	uint64_t quarantined_bytes;	/* set aside by a repair */
	bool lost;		/* the memory is good, and a replace had no data for it */
};

/* A disk at the bottom. */
struct bad_child {
	dev_t dev;
	char *name;		/* the kernel's; major:minor if it is gone and not remembered */
	char *namespace;	/* the UUID of its namespace, NULL if not known */
	bool gone;
	bool cut;		/* its driver has more bad blocks than the kernel lists */
	bool recorded;		/* it has a record */
	struct record record;
};

struct bads {
	struct bad *bads;
	size_t nr;
	struct bad_child *children;
	size_t nr_children;
	struct history history;
	const char *unknown;	/* a type of target below which no place is known, or NULL */
};

void bads_add(struct bads *bads, const struct bad *bad);
void bads_merge(struct bads *bads);
void bads_collect(struct bads *bads, const struct stack *stack, const struct device *device);
void bads_free(struct bads *bads);
bool bads_are_damage(const struct bads *bads);
bool bad_is_quarantined(const struct bad *bad);
const char *bad_known_by(const struct bad *bad);
uint64_t bad_count(const struct bad *bad);

#endif
