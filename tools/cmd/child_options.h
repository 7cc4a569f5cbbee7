/* SPDX-License-Identifier: GPL-2.0 */
/* Children on the command line, and what is used of them as a table. */
#ifndef CHILD_OPTIONS_H
#define CHILD_OPTIONS_H

#include "device/child.h"

void children_option(struct children *children, int option, const char *text);
void children_refuse_mounted(const struct children *children);
void children_print(const struct children *children, uint64_t start_sectors);

#endif
