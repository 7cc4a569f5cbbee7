// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include "boot/tab_file.h"
#include "sys/sysfs.h"
#include "util/alloc.h"
#include "util/say.h"

/* Read a file.  A missing file has no lines. */
void tab_read(struct tab_file *file, const char *path)
{
	*file = (struct tab_file){ .path = path, .text = read_text("%s", path) };
	if (!file->text && errno != ENOENT)
		die(EXIT_FAILED, "%s: %s", path, strerror(errno));
	if (!file->text)
		file->text = copy_text("");
	tab_parse(&file->tab, file->text);
}

/* Find the line of a device, or NULL.  Refuse a line with a mistake, and a second one. */
const struct tab_entry *tab_entry(const struct tab_file *file, const char *name)
{
	const struct tab_mistake *mistake = tab_find_mistake(&file->tab, name);

	if (mistake)
		die(EXIT_FAILED, "%s, line %u: %s", file->path, mistake->line, mistake->text);
	return tab_find(&file->tab, name);
}
