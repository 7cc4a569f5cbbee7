/* SPDX-License-Identifier: GPL-2.0 */
/* The file that holds a table of devices. */
#ifndef TAB_FILE_H
#define TAB_FILE_H

#include "boot/tab.h"

struct tab_file {
	const char *path;
	char *text;
	struct tab tab;
};

void tab_read(struct tab_file *file, const char *path);
const struct tab_entry *tab_entry(const struct tab_file *file, const char *name);

#endif
