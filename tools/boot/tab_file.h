/* SPDX-License-Identifier: GPL-2.0 */
/* The file of a table of devices: read it, and replace a line. */
#ifndef TAB_FILE_H
#define TAB_FILE_H

#include <stdbool.h>

#include "boot/tab.h"

struct tab_file {
	const char *path;
	char *text;
	struct tab tab;
};

void tab_read(struct tab_file *file, const char *path);
const struct tab_entry *tab_entry(const struct tab_file *file, const char *name);
unsigned int tab_line_at_boot(const char *name);
void tab_prepare(const struct tab_file *file, unsigned int line, const char *text);
bool tab_commit(void);

#endif
