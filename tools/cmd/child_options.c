// SPDX-License-Identifier: GPL-2.0
#include <sys/stat.h>

#include "cmd/child_options.h"
#include "cmd/command.h"
#include "fs/mounts.h"
#include "sys/pages.h"
#include "util/columns.h"
#include "util/say.h"
#include "util/size.h"

static struct child *last_child(struct children *children, const char *option)
{
	if (!children->nr)
		usage("%s belongs to the device before it, and there is none", option);
	return &children->children[children->nr - 1];
}

static uint64_t whole_pages(const char *option, const char *text)
{
	uint64_t bytes = size_option(option, text);
	char page[SIZE_TEXT_LEN];

	if (bytes % page_bytes())
		usage("%s: %s is no multiple of a page, %s", option, text,
		      size_text(page_bytes(), page));
	return bytes;
}

/* An option that is not about all children belongs to the one before it. */
void children_option(struct children *children, int option, const char *text)
{
	char page[SIZE_TEXT_LEN];
	struct child *child;

	switch (option) {
	case 'f':
		children->force = true;
		break;
	case 'g':
		children->granule_bytes = whole_pages("--granule", text);
		if (!children->granule_bytes)
			usage("--granule: it must be a page at least, %s",
			      size_text(page_bytes(), page));
		break;
	case 'l':
		child = last_child(children, "--len");
		child->len_sectors = whole_pages("--len", text) / SECTOR;
		child->has_len = true;
		if (!child->len_sectors)
			usage("--len: nothing of %s would be used", child->given);
		break;
	case 'o':
		child = last_child(children, "--offset");
		child->offset_sectors = whole_pages("--offset", text) / SECTOR;
		child->has_offset = true;
		break;
	}
}

/* Refuse mounted children, also with --force, and name the mount. */
void children_refuse_mounted(const struct children *children)
{
	struct mount mount;
	struct stat status;
	size_t i;

	for (i = 0; i < children->nr; i++) {
		const char *given = children->children[i].given;

		if (!stat(given, &status) && S_ISBLK(status.st_mode) &&
		    mount_find(status.st_rdev, &mount))
			die(EXIT_FAILED, "%s is mounted on %s: unmount it first", given,
			    mount.folder);
	}
}

/* Print what is used of each child, the first of which starts here in the device. */
void children_print(const struct children *children, uint64_t start_sectors)
{
	struct columns columns = { .align = "rrlr" };
	char text[4][SIZE_TEXT_LEN];
	size_t i;

	columns_row(&columns, "start\tlength\tchild\tunused");
	for (i = 0; i < children->nr; i++) {
		const struct child *child = &children->children[i];

		columns_row(&columns, "%s\t%s\t%s\t%s", size_text(start_sectors * SECTOR, text[0]),
			    size_text(child->len_sectors * SECTOR, text[1]), child->given,
			    size_text((child->size_sectors - child->used_sectors -
				       child->len_sectors) * SECTOR, text[2]));
		start_sectors += child->len_sectors;
	}
	columns_print(&columns);
}
