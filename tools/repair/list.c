// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "repair/list.h"
#include "sys/sysfs.h"
#include "util/alloc.h"
#include "util/columns.h"
#include "util/printable.h"
#include "util/say.h"
#include "util/size.h"

#define ALIGN	"rrlrll"
#define HEAD	"offset\tlength\tchild\tat\towner\twhat repair can do"

static bool overlap(const struct owner *owner, const struct bad *bad)
{
	return owner->start_bytes < bad->start_bytes + bad->len_bytes &&
	       bad->start_bytes < owner->start_bytes + owner->len_bytes;
}

static const char *remedy(const struct scene *scene, const struct owner *owner)
{
	if (scene_is_quarantined(scene, owner))
		return "nothing: it is in quarantine";
	if (owner_is_data(owner))
		return scene->xfs.reflink ? "--file PATH --from BACKUP" :
			"--file PATH --from BACKUP, if the platform clears poison";
	if (scene_is_free(owner))
		return "--free";
	return "unmount it, then --metadata";
}

static char *owner_text(const struct owner *owner)
{
	char *name, *text;

	if (!owner->inode)
		return copy_text(owner->what);
	name = owner->path ? printable(owner->path) : copy_text("a file without a path");
	text = format_text("%s, %s at 0x%jx", name, owner->what, (uintmax_t)owner->offset_bytes);
	free(name);
	return text;
}

/* Add the rows of a range; whether anything is to be done about it. */
static bool add_rows(const struct scene *scene, const struct bad *bad, struct columns *columns)
{
	char *child = block_path(bad->dev), len[SIZE_TEXT_LEN], *at, *owner;
	bool todo = false, first = true;
	size_t i;

	at = format_text("0x%jx", (uintmax_t)bad->offset_bytes);
	size_text(bad->len_bytes, len);
	for (i = 0; i < scene->owners.nr; i++) {
		if (!overlap(&scene->owners.owners[i], bad))
			continue;
		owner = owner_text(&scene->owners.owners[i]);
		if (first)
			columns_row(columns, "0x%jx\t%s\t%s\t%s\t%s\t%s",
				    (uintmax_t)bad->start_bytes, len, child, at, owner,
				    remedy(scene, &scene->owners.owners[i]));
		else
			columns_row(columns, "\t\t\t\t%s\t%s", owner,
				    remedy(scene, &scene->owners.owners[i]));
		todo = todo || !scene_is_quarantined(scene, &scene->owners.owners[i]);
		first = false;
		free(owner);
	}
	if (first) {
		columns_row(columns, "0x%jx\t%s\t%s\t%s\t\t%s", (uintmax_t)bad->start_bytes, len,
			    child, at, bad->known_by & BAD_GONE ?
			    "nothing: the child is gone; bring it back" :
			    scene->unknown ? "see below" : "unmount it, then --metadata");
		todo = true;
	}
	free(at);
	free(child);
	return todo;
}

/* Print all that is bad; whether there is anything to be repaired. */
bool list_print(struct scene *scene)
{
	struct columns columns = { .align = ALIGN };
	bool todo = false;
	size_t i;

	if (!scene->bads.nr) {
		puts("nothing is known to be bad");
		return false;
	}
	if (!scene->unknown)
		owners_find_paths(&scene->owners, scene->mount.folder);
	columns_row(&columns, HEAD);
	for (i = 0; i < scene->bads.nr; i++)
		todo = add_rows(scene, &scene->bads.bads[i], &columns) || todo;
	columns_print(&columns);
	if (scene->unknown)
		note("owners are not known: %s; files and free space are repaired where XFS is mounted, --metadata where it is not",
		     scene->unknown);
	return todo;
}
