// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util/alloc.h"
#include "fs/mounts.h"
#include "health/quarantined.h"
#include "health/report.h"
#include "util/printable.h"
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

/* Why the owners are not known, when XFS has answered with an error. */
static char *failed_text(const char *folder, const char *path, int err)
{
	if (err != EIO)
		return format_text("XFS on %s: %s", folder, strerror(err));
	return format_text("XFS on %s has shut down; unmount it, then mount it once more, which replays its log, and unmount it again: xfs_repair -n %s lists what is damaged",
			   folder, path);
}

static bool overlap(const struct owner *owner, const struct bad *bad)
{
	return owner->start_bytes < bad->start_bytes + bad->len_bytes &&
	       bad->start_bytes < owner->start_bytes + owner->len_bytes;
}

/* Whether all owners of a range are known.  Without rmapbt, XFS knows those of free space. */
static bool owners_are_known(const struct report *report, const struct bad *bad)
{
	size_t i;

	for (i = 0; i < report->owners.nr; i++)
		if (overlap(&report->owners.owners[i], bad) &&
		    owner_is_unknown(&report->owners.owners[i]))
			return false;
	return true;
}

/*
 * Take what is in quarantine from the owners.  The history may have it of a filesystem that was
 * made anew since, or may be lost.
 */
static void find_quarantined(const struct report *report, struct bads *bads, const char *folder)
{
	struct quarantined quarantined;
	int root = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t i;

	quarantined_read(&quarantined, root);
	for (i = 0; i < bads->nr; i++)
		if (owners_are_known(report, &bads->bads[i]))
			bads->bads[i].quarantined_bytes =
				quarantined_bytes(&quarantined, &report->owners, &bads->bads[i],
						  0);
	quarantined_free(&quarantined);
	if (root >= 0)
		close(root);
}

/* Find the owners of bad ranges, and which of these are in quarantine. */
void report_find_owners(struct report *report, const struct device *device, struct bads *bads)
{
	char *path = block_path(device->dev);
	struct mount mount = { 0 };
	size_t number = 0, nr;
	struct span *spans;
	struct xfs xfs = { 0 };

	*report = (struct report){ .bads = bads };
	if (!mount_find(device->dev, &mount))
		report->unknown = copy_text("it is not mounted");
	else if (strcmp(mount.type, "xfs") || !xfs_read(path, mount.folder, &xfs))
		report->unknown = format_text("%s can't be asked, only XFS", mount.type);
	while (!report->unknown && (nr = list_spans(&spans, bads, &number, xfs.ag_bytes))) {
		if (!owners_find(&report->owners, mount.folder,
				 spans->start_bytes / xfs.ag_bytes * xfs.ag_bytes, spans, nr))
			report->unknown = failed_text(mount.folder, path, errno);
		free(spans);
	}
	if (!report->unknown) {
		report->folder = mount.folder;
		find_quarantined(report, bads, mount.folder);
	}
	free(path);
}

/* Find the owners of bad ranges, and their paths. */
void report_find(struct report *report, const struct device *device, struct bads *bads)
{
	report_find_owners(report, device, bads);
	if (!report->unknown)
		owners_find_paths(&report->owners, report->folder);
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

/* What is known of a range whose owners are not known now. */
static char *unknown_text(const struct bad *bad)
{
	const char *before = bad->history ? history_owner(bad->history, 0) : NULL;

	if (bad->shutdown)
		return copy_text("metadata: XFS has shut down");
	return before ? format_text("when it failed: %s", before) : copy_text("");
}

/* Add a row for each owner of a bad range, at least one. */
void report_row(const struct report *report, const struct bad *bad, struct columns *columns)
{
	char len[SIZE_TEXT_LEN], *child = block_path(bad->dev), *owner;
	bool first = true;
	size_t i;

	size_text(bad->len_bytes, len);
	for (i = 0; i <= report->owners.nr; i++) {
		/* In the last round, the row of a range without a known owner. */
		if (i == report->owners.nr ? !first : !overlap(&report->owners.owners[i], bad))
			continue;
		owner = i == report->owners.nr ? unknown_text(bad) :
			owner_text(&report->owners.owners[i]);
		if (first)
			columns_row(columns, "0x%jx\t%s\t%s\t0x%jx\t%s\t%s\t%s\t%s",
				    (uintmax_t)bad->start_bytes, len, child,
				    (uintmax_t)bad->offset_bytes, bad_known_by(bad),
				    bad->result, bad->last, owner);
		else
			columns_row(columns, "\t\t\t\t\t\t\t%s", owner);
		first = false;
		free(owner);
	}
	free(child);
}

/* A line about a child that is gone. */
char *report_gone(const struct bad_child *child, const struct bad *bad)
{
	char *namespace = child->namespace ? format_text(" (namespace %s)", child->namespace) :
			  copy_text("");
	char *text = format_text("all of %s%s: gone%s%s", child->name, namespace,
				 bad->last[0] ? " since " : "", bad->last);

	free(namespace);
	return text;
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

static void put_sources(struct json_object *json, const struct bad *bad)
{
	static const struct {
		unsigned int source;
		const char *name;
	} names[] = {
		{ BAD_RECORD, "record" },
		{ BAD_MEDIA, "media" },
		{ BAD_HISTORY, "history" },
		{ BAD_GONE, "gone" },
	};
	struct json_object *list = put_array(json, "sources");
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (bad->known_by & names[i].source)
			add_text(list, names[i].name);
}

static void put_owners_before(struct json_object *json, const struct history_range *range)
{
	struct json_object *list = put_array(json, "owners_before");
	const char *owner;
	size_t i;

	for (i = 0; range && (owner = history_owner(range, i)); i++)
		add_text(list, owner);
}

struct json_object *report_json(const struct report *report, const struct bad *bad)
{
	const struct bad_child *child = &report->bads->children[bad->child];
	struct json_object *json = new_object(), *list;
	char *name = child->gone ? copy_text(child->name) : block_name(bad->dev);
	size_t i;

	put_number(json, "offset_bytes", bad->start_bytes);
	put_number(json, "length_bytes", bad->len_bytes);
	put_text(json, "child", name);
	put_number(json, "child_offset_bytes", bad->offset_bytes);
	put_text(json, "namespace", child->namespace);
	put_text(json, "known_by", bad_known_by(bad));
	put_sources(json, bad);
	put_text(json, "since", bad->since[0] ? bad->since : NULL);
	put_text(json, "last", bad->last[0] ? bad->last : NULL);
	put_number(json, "count", bad_count(bad));
	put_text(json, "result", bad->result[0] ? bad->result : NULL);
	put_bool(json, "shutdown", bad->shutdown);
	put_bool(json, "quarantined", bad_is_quarantined(bad));
	put_text(json, "owners_unknown", report->unknown);
	list = put_array(json, "owners");
	for (i = 0; i < report->owners.nr; i++)
		if (overlap(&report->owners.owners[i], bad))
			add_object(list, owner_json(&report->owners.owners[i]));
	put_owners_before(json, bad->history);
	free(name);
	return json;
}

/* What is known of a child apart from ranges. */
struct json_object *report_child_json(const struct bad_child *child)
{
	struct json_object *json = new_object();

	put_text(json, "child", child->name);
	put_text(json, "namespace", child->namespace);
	put_bool(json, "gone", child->gone);
	put_bool(json, "recorded", child->recorded);
	put_number(json, "failures", child->record.failures);
	put_number(json, "overflow", child->record.overflow);
	put_number(json, "events_lost", record_lost_events(&child->record));
	put_bool(json, "media_cut", child->cut);
	return json;
}

void report_free(struct report *report)
{
	owners_free(&report->owners);
	free(report->unknown);
	free(report->folder);
}
