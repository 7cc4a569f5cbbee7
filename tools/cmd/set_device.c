// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>

#include "cmd/child_options.h"
#include "cmd/set_device.h"
#include "cmd/sets.h"
#include "device/change.h"
#include "device/dm.h"
#include "device/name.h"
#include "fs/xfs.h"
#include "util/alloc.h"
#include "util/say.h"
#include "util/size.h"

/*
 * Return whether the device is there already.  One without a table is left of an attempt to make it
 * that was cut short, maybe under the name that it had then.
 */
static bool is_there(const struct set *set)
{
	char *uuid = format_text("%s%s", UUID_PREFIX, set->uuid);
	struct mapped mapped;
	bool found = dm_find_uuid(uuid, &mapped);

	free(uuid);
	if (!found)
		return false;
	if (mapped.live || mapped.open_count) {
		printf("%s is there already, as /dev/mapper/%s\n", set->name, mapped.name);
		return true;
	}
	dm_remove(&mapped);
	return false;
}

/* Refuse a device that is too short to mount the XFS on it: a member's content is an old one. */
static void refuse_short(const struct set *set)
{
	const struct member *first = set->chain[0];
	char text[2][SIZE_TEXT_LEN];
	struct xfs xfs;

	if (!xfs_read_at(first->path, first->label.offset_bytes, &xfs) ||
	    xfs.size_bytes <= set_bytes(set))
		return;
	die(EXIT_STALE, "%s has an XFS of %s, and its members make a device of %s: a member has an old label, from before an extend",
	    set->name, size_text(xfs.size_bytes, text[0]), size_text(set_bytes(set), text[1]));
}

/* The name is what was read, so it may be none that a device can have. */
static void refuse_name(const struct set *set)
{
	const char *wrong = name_check(set->name);

	if (wrong)
		die(EXIT_FOREIGN, "the name \"%s\" in the label of %s %s: daxlinear rename %s gives it another",
		    set->name, set->chain[0]->path, wrong, set->uuid);
}

/* Make the device of a set. */
int set_assemble(const struct set *set)
{
	struct children children = { .known = true };
	struct line line = { .align = ALIGN };
	char text[SIZE_TEXT_LEN];
	struct table table;
	struct stack stack;
	size_t i;

	set_refuse(set);
	if (is_there(set))
		return EXIT_DONE;
	refuse_name(set);
	for (i = 0; i < set->nr; i++) {
		const struct label *label = &set->chain[i]->label;

		children_add_range(&children, set->chain[i]->path, label->offset_bytes,
				   label->len_bytes);
	}
	change_begin(set->name);
	stack_read(&stack);
	children_refuse_mounted(&children);
	children_open(&children, &stack);
	refuse_short(set);
	children_line(&children, &stack, &line);
	table = line_table(&line);
	change_create(set->name, set->uuid, &table);
	printf("/dev/mapper/%s: %s of %zu members\n", set->name,
	       size_text(table_end(&table) * SECTOR, text), set->nr);
	return EXIT_DONE;
}
