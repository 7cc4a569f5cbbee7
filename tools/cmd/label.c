// SPDX-License-Identifier: GPL-2.0
/* daxlinear label: gives a live device labels, or makes those that it has fit. */
#include <stdio.h>
#include <string.h>

#include "cmd/command.h"
#include "cmd/sets.h"
#include "device/change.h"
#include "device/dm.h"
#include "device/line.h"
#include "device/lock.h"
#include "member/edit.h"
#include "sys/blkid.h"
#include "sys/sysfs.h"
#include "util/say.h"
#include "util/size.h"

static const struct option options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

/* Refuse a range whose disk has no room for a label, or is used otherwise. */
static void refuse_range(const struct mapped *mapped, const struct segment *segment,
			 const struct stack *stack)
{
	uint64_t disk_bytes = block_sectors(segment->dev) * SECTOR, end_bytes;
	const char *path = block_path(segment->dev);
	char text[2][SIZE_TEXT_LEN];
	size_t i, j;

	end_bytes = (segment->offset_sectors + segment->len_sectors) * SECTOR;
	if (block_is_mapped(segment->dev) || block_disk(segment->dev) != segment->dev)
		die(EXIT_FAILED, "%s is no whole device of persistent memory, which a label needs",
		    path);
	if (segment->offset_sectors * SECTOR < LABEL_FRONT_BYTES ||
	    end_bytes + LABEL_BACK_BYTES > disk_bytes)
		die(EXIT_FAILED, "%s has no room for a label: %s uses it from %s on and leaves %s at its end, and a label needs %s in front of the data and 1 MiB behind it",
		    path, mapped->name, size_text(segment->offset_sectors * SECTOR, text[0]),
		    size_text(disk_bytes - end_bytes, text[1]), "2 MiB");
	for (i = 0; i < stack->nr; i++)
		for (j = 0; j < stack->devices[i].layout.nr; j++) {
			const struct segment *other = &stack->devices[i].layout.segments[j];

			if (block_disk(other->dev) == segment->dev &&
			    other->offset_sectors + block_start(other->dev) !=
			    segment->offset_sectors)
				die(EXIT_FAILED, "%s has no room for a label: %s uses another part of it",
				    path, stack->devices[i].name);
		}
}

/* Refuse a disk with something else in front of the range. */
static void refuse_content(const struct child *child)
{
	char *found = signature_find(child->fd, 0, child->size_sectors * SECTOR);

	if (found)
		die(EXIT_FAILED, "%s has no room for a label: it holds %s in front of the data",
		    child->given, found);
}

/* Label a device that was made without labels. */
static void make(const struct mapped *mapped, const struct line *line,
		 const struct machine *machine)
{
	const char *uuid = mapped->uuid + strlen(UUID_PREFIX);
	struct children children = { 0 };
	char new[UUID_LEN + 1];
	struct stack stack;
	size_t i;

	stack_read(&stack);
	for (i = 0; i < line->layout.nr; i++) {
		const struct segment *segment = &line->layout.segments[i];

		refuse_range(mapped, segment, &stack);
		children_add_range(&children, block_path(segment->dev),
				   segment->offset_sectors * SECTOR, segment->len_sectors * SECTOR);
	}
	children_refuse_members(&children, machine, NULL);
	for (i = 0; i < children.nr; i++) {
		child_open(&children.children[i]);
		refuse_content(&children.children[i]);
	}
	if (strncmp(mapped->uuid, UUID_PREFIX, strlen(UUID_PREFIX)) || !set_uuid_is(uuid)) {
		set_uuid_new(new);
		uuid = new;
	}
	hold_signals();
	set_make(&children, mapped->name, uuid, true);
	set_keep();
	let_signals();
	printf("%s has %zu members\n", mapped->name, children.nr);
}

/* Whether the members behind the last are the ranges of the device that follow. */
static bool may_finish(const struct set *set, const struct line *line,
		       const struct machine *machine)
{
	unsigned int joined = set->chain[set->nr - 1]->label.next;
	const struct member *member = NULL;
	size_t i;

	if (!set_fits(set, &line->layout) || set->nr == line->layout.nr)
		return false;
	for (i = set->nr; i < line->layout.nr; i++) {
		member = member_find(machine, line->layout.segments[i].dev);
		if (!member || member->role != ROLE_LEFT_OVER || member->label.number != i + 1 ||
		    member->label.joined != joined ||
		    !member_is_range(member, &line->layout.segments[i]))
			return false;
	}
	return member && member->label.is_last;
}

/* Make the labels of a device fit it as it is. */
static void mend(const struct mapped *mapped, const struct line *line,
		 const struct machine *machine, const struct set *set)
{
	set_refuse(set);
	hold_signals();
	if (may_finish(set, line, machine))
		set_finish(set);
	else if (!set_fits(set, &line->layout) || set->nr != line->layout.nr)
		die(EXIT_FAILED, "the members of %s make another device than it is, and another line of its table does not follow from them",
		    mapped->name);
	else
		set_rename(set, mapped->name);
	let_signals();
	printf("the members of %s make it as it is\n", mapped->name);
}

static int run(int argc, char **argv)
{
	const char *name, *unused, *wrong;
	struct machine machine;
	const struct set *set;
	struct mapped mapped;
	struct line line;

	name = name_and_option(argc, argv, options, &unused);
	dm_begin();
	lock_changes();
	mapped = dm_device(name);
	change_read(&line, &mapped);
	wrong = label_name_check(mapped.name);
	if (wrong)
		die(EXIT_FAILED, "\"%s\" %s: daxlinear rename it first", mapped.name, wrong);
	machine_read(&machine);
	set = set_of_layout(&machine, &line.layout);
	if (set)
		mend(&mapped, &line, &machine, set);
	else
		make(&mapped, &line, &machine);
	return EXIT_DONE;
}

const struct command command_label = {
	.name = "label",
	.arguments = "NAME",
	.what = "Label the children of a device that has none, or mend its labels",
	.help =
"The device may be in use. A label needs 2 MiB in front of the data of each child and\n"
"1 MiB behind it, which a device that was made without labels has only if its children\n"
"are used from there on. Of a device with labels, all are written anew, and an extend\n"
"or a rename that was cut short is ended.\n",
	.run = run,
};
