/* SPDX-License-Identifier: GPL-2.0 */
/* Which members form a set: Documentation/members.rst.  It looks at nothing but what was read. */
#ifndef SET_H
#define SET_H

#include <stddef.h>
#include <sys/types.h>

#include "member/label.h"

/* What a member is to its set. */
enum role {
	ROLE_MISPLACED,		/* behind a gap, or of no set that is known */
	ROLE_IN_PLACE,
	ROLE_COPY,		/* there is another one like it */
	ROLE_LEFT_OVER,		/* of an extend that was cut short; the set is whole without it */
};

/* A disk with a label. */
struct member {
	char *path;
	dev_t dev;
	struct label label;
	enum role role;
};

struct members {
	struct member *members;
	size_t nr;
};

enum set_state {
	SET_COMPLETE,
	SET_INCOMPLETE,
	SET_DOUBLED,
	SET_FOREIGN,
	SET_STALE,
	SET_DAMAGED,
	SET_UNFINISHED,
};

struct set {
	const char *uuid;
	const char *name;	/* of the first member, or else of any */
	enum set_state state;
	struct member **chain;	/* the members from the first on, up to the last or to a gap */
	size_t nr;
	char *missing;		/* which are, "" if none is */
	char *why;		/* what is wrong, NULL of a complete set */
};

struct sets {
	struct set *sets;
	size_t nr;
};

void sets_find(struct sets *sets, struct members *members);
void sets_free(struct sets *sets);
const char *set_state_text(const struct set *set);
int set_exit_code(const struct set *set);
uint64_t set_bytes(const struct set *set);
void members_add(struct members *members, const char *path, dev_t dev, const struct label *label);
void members_free(struct members *members);

#endif
