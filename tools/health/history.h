/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the monitor has seen, kept across reboots: the children that are or were held, and their bad
 * ranges.  Only the monitor writes it; other commands read it, and repair and replace leave notes
 * for it.
 */
#ifndef HISTORY_H
#define HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define HISTORY_FOLDER	"/var/lib/daxlinear"

struct json_object;

/* Texts are NULL where they are not known.  They are valid until the next change of the history. */
struct history_child {
	const char *child;	/* the disk's name when it was held last */
	const char *namespace;	/* the UUID */
	const char *name;	/* ndctl's name of the namespace */
	dev_t dev;		/* its number in that boot */
	const char *boot;	/* the boot in which it was held last */
	uint64_t seq;		/* the last event of that boot that was alerted about */
	uint64_t time_ns;	/* of that event, which tells a record that began anew */
	struct json_object *json;
};

struct history_range {
	const char *child, *namespace;
	uint64_t sector, sectors;	/* on the disk */
	const char *first, *last;	/* RFC 3339 */
	uint64_t count;
	const char *source;		/* record, media, gone or replace */
	const char *result;
	const char *boot;
	const char *state;		/* bad, lost or quarantined */
	struct json_object *json;
};

struct history {
	char *folder;
	int err;		/* why it is not to be written, or 0 */
	struct json_object *root;
	struct history_child *children;
	size_t nr_children;
	struct history_range *ranges;
	size_t nr_ranges;
};

bool history_is_written(const char *folder);
bool history_load(struct history *history, const char *folder);
bool history_open(struct history *history, const char *folder);
bool history_save(const struct history *history);
void history_free(struct history *history);

const struct history_child *history_child(const struct history *history, const char *child,
					  const char *namespace);
const struct history_child *history_child_of(const struct history *history, const char *boot,
					     dev_t dev);
void history_set_child(struct history *history, const struct history_child *child);

size_t history_find(const struct history *history, const char *child, const char *namespace,
		    const struct history_range ***ranges);
const char *history_owner(const struct history_range *range, size_t number);
void history_add(struct history *history, const struct history_range *range,
		 char * const *owners, size_t nr_owners);
void history_remove(struct history *history, const struct history_range *range);
const struct history_range *history_same(const struct history *history,
					 const struct history_range *range);

/* What repair and replace have settled: history_settle.c. */
bool history_settled(const char *folder, const struct history_range *range, const char *owner);
bool history_apply_settled(struct history *history);
bool history_settle(struct history *history);

bool history_has_mount(const struct history *history, const char *mount);
void history_set_mounts(struct history *history, char * const *mounts, size_t nr);

struct json_object *history_owed(const struct history *history);
struct json_object *history_new_owed(struct history *history);

#endif
