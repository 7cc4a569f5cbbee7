// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "boot/tab_device.h"
#include "boot/tab_file.h"
#include "boot/unit.h"
#include "device/line.h"
#include "member/disks.h"
#include "sys/blkid.h"
#include "sys/nd.h"
#include "sys/sysfs.h"
#include "util/alloc.h"
#include "util/say.h"
#include "util/size.h"

/* Name a child in a way that is the same after a reboot. */
static char *lasting_name(dev_t dev)
{
	char *name = block_name(dev), *path = block_path(dev), *uuid;
	struct pmem pmem;

	if (!strncmp(path, "/dev/mapper/", 12))
		return path;
	if (nd_find(name, &pmem) && pmem.uuid[0])
		return format_text("uuid=%s", pmem.uuid);
	uuid = partition_uuid(path);
	if (!uuid)
		die(EXIT_FAILED, "%s has no UUID that is the same after a reboot: " TAB " cannot name it",
		    path);
	return format_text("partuuid=%s", uuid);
}

/* Return the line of a device of these ranges, without a newline. */
char *tab_line(const char *name, const struct layout *layout)
{
	struct line joined = line_join(layout);
	char *text = copy_text(name), *longer;
	size_t i;

	for (i = 0; i < joined.layout.nr; i++) {
		const struct segment *segment = &joined.layout.segments[i];
		uintmax_t offset = segment->offset_sectors * SECTOR;
		uintmax_t len = segment->len_sectors * SECTOR;
		char *child = lasting_name(segment->dev);
		char *from = offset ? format_text(",offset=%ju", offset) : copy_text("");

		longer = format_text("%s %s%s,len=%ju", text, child, from, len);
		free(text);
		free(child);
		free(from);
		text = longer;
	}
	layout_free(&joined.layout);
	return text;
}

/* Return the node of a child, or NULL if no namespace has the UUID. */
char *tab_child_path(const struct tab_child *child)
{
	char *disk, *path;

	/* Find a namespace without udev's link, which may not be there yet. */
	if (strncmp(child->what, "uuid=", 5))
		return unit_child_path(child);
	disk = nd_find_uuid(child->what + 5);
	path = disk ? format_text("/dev/%s", disk) : NULL;
	free(disk);
	return path;
}

/* Read the ranges that a line maps.  Return false if a child is missing. */
static bool read_entry(const struct tab_entry *entry, struct line *line)
{
	struct stat status;
	size_t i;

	for (i = 0; i < entry->nr; i++) {
		const struct tab_child *child = &entry->children[i];
		char *path = tab_child_path(child);
		bool found = path && !stat(path, &status);

		free(path);
		if (!found)
			return false;
		line_add(line, status.st_rdev, child->offset_bytes / SECTOR,
			 child->len_bytes / SECTOR);
	}
	return true;
}

/* Return whether a device begins with the first member of a set. */
static bool is_of_set(const char *uuid, const struct layout *layout)
{
	struct machine machine;
	const struct set *set;
	bool same;

	machine_read(&machine);
	set = set_of_layout(&machine, layout);
	same = set && !strcmp(set->uuid, uuid);
	machine_free(&machine);
	return same;
}

/* Return whether a line makes a device of these ranges.  How either is split does not matter. */
bool tab_fits(const struct tab_entry *entry, const struct layout *layout)
{
	struct line wanted = { 0 }, live = line_join(layout);
	bool same;
	size_t i;

	if (entry->set)
		return is_of_set(entry->set, layout);
	same = read_entry(entry, &wanted) && wanted.layout.nr == live.layout.nr;
	for (i = 0; i < live.layout.nr && same; i++) {
		const struct segment *a = &wanted.layout.segments[i];
		const struct segment *b = &live.layout.segments[i];

		same = a->dev == b->dev && a->offset_sectors == b->offset_sectors &&
		       a->len_sectors == b->len_sectors;
	}
	layout_free(&wanted.layout);
	layout_free(&live.layout);
	return same;
}

/**
 * tab_check - compare a device with its line in the table of those made at boot
 * @mapped: The device.
 * @text: Set to a sentence for a finding, or to NULL if there is no line.
 *
 * Return: Whether the line makes the device as it is now; true if there is no line.
 */
bool tab_check(const struct mapped *mapped, char **text)
{
	const struct tab_mistake *mistake;
	const struct tab_entry *entry;
	struct layout layout = { 0 };
	char sizes[2][SIZE_TEXT_LEN];
	struct tab_file file;
	struct table table;
	bool fits = false;

	*text = NULL;
	tab_read(&file, TAB);
	mistake = tab_find_mistake(&file.tab, mapped->name);
	entry = tab_find(&file.tab, mapped->name);
	if (mistake) {
		*text = format_text(TAB ", line %u: %s", mistake->line, mistake->text);
	} else if (entry && dm_table(mapped->name, &table)) {
		layout_read(&layout, &table);
		fits = tab_fits(entry, &layout);
		if (entry->set)
			snprintf(sizes[0], SIZE_TEXT_LEN, "another set");
		else
			size_text(tab_bytes(entry), sizes[0]);
		size_text(table_end(&table) * SECTOR, sizes[1]);
		*text = fits ? format_text("line %u of " TAB " makes %s as it is", entry->line,
					   mapped->name) :
			format_text("line %u of " TAB " makes %s of %s, and not as it is, of %s: daxlinear tab --update %s",
				    entry->line, mapped->name, sizes[0], sizes[1], mapped->name);
		layout_free(&layout);
		table_free(&table);
	}
	tab_free(&file.tab);
	free(file.text);
	return fits || !*text;
}
