// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "util/alloc.h"
#include "fs/mounts.h"
#include "health/report.h"
#include "util/size.h"
#include "sys/sysfs.h"
#include "fs/xfs.h"

/*
 * List the ranges of one allocation group, from a range on, that XFS can be asked for: of a child
 * that is gone it can't read any. *number gets the first range behind them.
 */
static size_t list_spans(struct span **spans, const struct bads *bads, size_t *number,
			 uint64_t ag_bytes)
{
	size_t nr = 0;

	*spans = NULL;
	for (; *number < bads->nr; ++*number) {
		const struct bad *bad = &bads->bads[*number];

		if (bad->known_by & BAD_GONE)
			continue;
		if (nr && bad->start_bytes / ag_bytes != (*spans)->start_bytes / ag_bytes)
			break;
		*spans = grow(*spans, nr, sizeof(**spans));
		(*spans)[nr++] = (struct span){ bad->start_bytes, bad->len_bytes };
	}
	return nr;
}

/* Find the owners of bad ranges, and their paths. */
void report_find(struct report *report, const struct device *device, const struct bads *bads)
{
	char *path = block_path(device->dev);
	struct mount mount = { 0 };
	size_t number = 0, nr;
	struct xfs xfs = { 0 };
	struct span *spans;

	*report = (struct report){ 0 };
	if (!mount_find(device->dev, &mount))
		report->unknown = copy_text("it is not mounted");
	else if (strcmp(mount.type, "xfs") || !xfs_read(path, mount.folder, &xfs))
		report->unknown = format_text("%s can't be asked, only XFS", mount.type);
	while (!report->unknown && (nr = list_spans(&spans, bads, &number, xfs.ag_bytes))) {
		if (!owners_find(&report->owners, mount.folder,
				 spans->start_bytes / xfs.ag_bytes * xfs.ag_bytes, spans, nr))
			report->unknown = format_text("XFS on %s: %s%s", mount.folder,
						      strerror(errno), errno == EIO ?
						      ": it has shut down" : "");
		free(spans);
	}
	if (!report->unknown)
		owners_find_paths(&report->owners, mount.folder);
	free(path);
}

static bool overlap(const struct owner *owner, const struct bad *bad)
{
	return owner->start_bytes < bad->start_bytes + bad->len_bytes &&
	       bad->start_bytes < owner->start_bytes + owner->len_bytes;
}

/* Escape control characters, which a terminal would interpret. */
static char *printable(const char *name)
{
	char *text = copy_text(""), *longer;

	for (; *name; name++) {
		bool plain = *name != '\\' && !iscntrl((unsigned char)*name);

		longer = format_text(plain ? "%s%c" : "%s\\%03o", text, (unsigned char)*name);
		free(text);
		text = longer;
	}
	return text;
}

static char *owner_text(const struct owner *owner)
{
	char *name, *text;

	if (!owner->inode)
		return copy_text(owner->what);
	name = owner->path ? printable(owner->path) : copy_text("a file without a path");
	text = format_text("%s, %s at 0x%jx (inode %ju)", name, owner->what,
			   (uintmax_t)owner->offset_bytes, (uintmax_t)owner->inode);
	free(name);
	return text;
}

/* Add a row for each owner of a bad range, at least one. */
void report_row(const struct report *report, const struct bad *bad, struct columns *columns)
{
	char len[SIZE_TEXT_LEN], *child = block_path(bad->dev), *owner, *at;
	bool first = true;
	size_t i;

	at = format_text(bad->offset_bytes == BAD_NOWHERE ? "-" : "0x%jx",
			 (uintmax_t)bad->offset_bytes);
	size_text(bad->len_bytes, len);
	for (i = 0; i <= report->owners.nr; i++) {
		/* In the last round, the row of a range without a known owner. */
		if (i == report->owners.nr ? !first : !overlap(&report->owners.owners[i], bad))
			continue;
		owner = i == report->owners.nr ? copy_text("") :
			owner_text(&report->owners.owners[i]);
		if (first)
			columns_row(columns, "0x%jx\t%s\t%s\t%s\t%s\t%s",
				    (uintmax_t)bad->start_bytes, len, child, at,
				    bad_known_by(bad), owner);
		else
			columns_row(columns, "\t\t\t\t\t%s", owner);
		first = false;
		free(owner);
	}
	free(at);
	free(child);
}

static struct json_object *owner_json(const struct owner *owner)
{
	struct json_object *json = new_object();

	put_number(json, "offset_bytes", owner->start_bytes);
	put_number(json, "length_bytes", owner->len_bytes);
	put_text(json, "what", owner->what);
	if (owner->inode) {
		put_number(json, "inode", owner->inode);
		put_text(json, "path", owner->path);
		put_number(json, "file_offset_bytes", owner->offset_bytes);
	}
	return json;
}

struct json_object *report_json(const struct report *report, const struct bad *bad)
{
	struct json_object *json = new_object(), *list;
	char *child = block_name(bad->dev);
	size_t i;

	put_number(json, "offset_bytes", bad->start_bytes);
	put_number(json, "length_bytes", bad->len_bytes);
	put_text(json, "child", child);
	if (bad->offset_bytes == BAD_NOWHERE)
		put_text(json, "child_offset_bytes", NULL);
	else
		put_number(json, "child_offset_bytes", bad->offset_bytes);
	put_text(json, "known_by", bad_known_by(bad));
	put_text(json, "owners_unknown", report->unknown);
	list = put_array(json, "owners");
	for (i = 0; i < report->owners.nr; i++)
		if (overlap(&report->owners.owners[i], bad))
			add_object(list, owner_json(&report->owners.owners[i]));
	free(child);
	return json;
}

void report_free(struct report *report)
{
	owners_free(&report->owners);
	free(report->unknown);
}
