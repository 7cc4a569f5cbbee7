/* SPDX-License-Identifier: GPL-2.0 */
/*
 * /etc/daxlineartab: the devices to make at boot, a line each.
 *
 *	NAME CHILD,len=SIZE[,offset=SIZE] ...
 *	NAME set=UUID
 *
 * A CHILD is uuid=UUID of a namespace, partuuid=UUID of a partition, or a path; the UUID of a set
 * stands for its members. A # starts a comment.
 */
#ifndef TAB_H
#define TAB_H

#include <stddef.h>
#include <stdint.h>

#define TAB	"/etc/daxlineartab"

struct tab_child {
	char *what;
	uint64_t offset_bytes;
	uint64_t len_bytes;
};

struct tab_entry {
	unsigned int line;
	char *name;
	char *set;		/* the UUID of a set, NULL if the line has children */
	struct tab_child *children;
	size_t nr;
};

/* A line that makes no device. */
struct tab_mistake {
	unsigned int line;
	char *name;		/* the first word, which may be no name */
	char *text;
};

struct tab {
	struct tab_entry *entries;
	size_t nr;
	struct tab_mistake *mistakes;
	size_t nr_mistakes;
};

void tab_parse(struct tab *tab, const char *text);
const struct tab_entry *tab_find(const struct tab *tab, const char *name);
const struct tab_mistake *tab_find_mistake(const struct tab *tab, const char *name);
uint64_t tab_bytes(const struct tab_entry *entry);
char *tab_replace(const char *text, unsigned int number, const char *line);
void tab_free(struct tab *tab);

#endif
