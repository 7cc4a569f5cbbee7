/* SPDX-License-Identifier: GPL-2.0 */
/* Changes of mapped devices, each made as a whole or not at all. */
#ifndef CHANGE_H
#define CHANGE_H

#include "device/dm.h"
#include "device/line.h"

void change_begin(const char *name);
void change_create(const char *name, const char *uuid, const struct table *table);
size_t change_read(struct line *line, const struct mapped *mapped);
void change_print(const struct mapped *mapped, const struct table *table);
void change_try(const struct mapped *mapped, const struct table *table);
void change_table(const struct mapped *mapped, const struct table *table);
void change_name(const struct mapped *mapped, const char *name);
void change_remove(const struct mapped *mapped);

#endif
