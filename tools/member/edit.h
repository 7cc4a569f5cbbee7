/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Changes of labels.  Each ends with the old set or the new one, wherever it is cut short:
 * Documentation/members.rst has the order of the writes.  The caller holds the lock of changes and
 * blocks signals.
 */
#ifndef EDIT_H
#define EDIT_H

#include "device/child.h"
#include "member/set.h"

const char *label_name_check(const char *name);
void set_make(const struct children *children, const char *name, const char *uuid);
void set_print(const struct children *children, const char *name, const char *uuid);
void set_extend(const struct set *set, const struct children *children);
void set_extended(void);
void member_grow(const struct member *last, uint64_t len_bytes);
void set_write(const struct member *members, const struct label *labels, size_t nr);
void set_keep(void);
void set_rename(const struct set *set, const char *name);
unsigned int member_tag(void);
void member_incoming(const struct child *child, const struct label *old, unsigned int tag);
void member_replaced(const struct member *old, unsigned int tag);
void member_arrived(const struct member *member);
void member_release(const char *path, dev_t disk);

#endif
