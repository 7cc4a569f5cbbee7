// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "boot/tab_device.h"
#include "boot/tab_file.h"
#include "device/change.h"
#include "device/lock.h"
#include "member/edit.h"
#include "replace/swap.h"
#include "sys/sysfs.h"
#include "util/alloc.h"
#include "util/say.h"

/* Have the line for the boot, if it names children, make the device as it is. */
void swap_tab(const char *name, const struct line *line)
{
	const struct tab_entry *entry;
	struct tab_file file;
	char *text;

	tab_read(&file, TAB);
	entry = tab_entry(&file, name);
	if (!entry || entry->set || tab_fits(entry, &line->layout))
		return;
	text = tab_line(name, &line->layout);
	tab_prepare(&file, entry->line, text);
	if (!tab_commit())
		die(EXIT_FAILED, TAB " could not be written: %s; the same command goes on",
		    strerror(errno));
	printf("line %u of " TAB " is up to date\n", entry->line);
	free(text);
}

/*
 * Replace a member.  There is no device while the labels change, so that nothing can be written to
 * the members of one set after the other one became the right one.
 */
void swap_members(const struct swap *swap)
{
	struct table table = line_table(&swap->line);
	struct member arrived = {
		.path = copy_text(swap->new->given), .dev = swap->new->dev,
		.label = swap->old->label,
	};

	arrived.label.offset_bytes = swap->new->offset_sectors * SECTOR;
	arrived.label.len_bytes = swap->new->len_sectors * SECTOR;
	hold_signals();
	change_remove(&swap->mapped);
	member_replaced(swap->old, swap->tag);
	member_arrived(&arrived);
	change_create(swap->set->name, swap->set->uuid, &table);
	swap_tab(swap->mapped.name, &swap->line);
	let_signals();
	free(arrived.path);
	table_free(&table);
}

/*
 * Replace a child of a device without labels.  The line for the boot comes first: the same command
 * goes on while the device has its old table.
 */
void swap_children(const struct swap *swap)
{
	struct table table = line_table(&swap->line);

	hold_signals();
	swap_tab(swap->mapped.name, &swap->line);
	change_table(&swap->mapped, &table);
	let_signals();
	table_free(&table);
}
