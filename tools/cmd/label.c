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
#include "member/fit.h"
#include "sys/blkid.h"
#include "sys/sysfs.h"
#include "util/alloc.h"
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

/* Refuse a disk with something else in front of the range than a damaged label. */
static void refuse_content(const struct member *disk)
{
	struct child child = { .given = disk->path };
	char *found;

	if (disk->label.kind == LABEL_DAMAGED)
		return;
	child_open(&child);
	found = signature_find(child.fd, 0, child.size_sectors * SECTOR);
	if (found)
		die(EXIT_FAILED, "%s has no room for a label: it holds %s in front of the data",
		    child.given, found);
}

/* Whether a label is lost, or has never been there. */
static bool is_lost(const struct label *label, const char *uuid)
{
	return label->kind == LABEL_NONE ||
	       (label->kind == LABEL_DAMAGED && (!label->set[0] || !strcmp(label->set, uuid)));
}

/* Refuse a disk with the label of another member than the device has there. */
static void refuse_other(const struct member *disk, const struct segment *segment,
			 unsigned int number, const char *uuid, const char *name)
{
	if (disk->label.kind == LABEL_MEMBER && !strcmp(disk->label.set, uuid) &&
	    disk->label.number == number && member_may_be_range(disk, segment))
		return;
	die(EXIT_FAILED, "%s has another label than that of member %u of %s, which it is: daxlinear members lists the labels",
	    disk->path, number, name);
}

/* The disks of a device, in its order, with the labels that were found. */
static struct member *read_disks(const struct line *line, const struct machine *machine)
{
	struct member *disks = NULL, *member;
	size_t i;

	for (i = 0; i < line->layout.nr; i++) {
		dev_t dev = line->layout.segments[i].dev;

		disks = grow(disks, i, sizeof(*disks));
		member = member_find(machine, dev);
		disks[i] = member ? *member : (struct member){
			.path = block_path(dev), .dev = dev,
		};
	}
	return disks;
}

/* Refuse a device that is without a member of its set. */
static void refuse_shorter(const struct machine *machine, const struct line *line,
			   const struct set *set, const char *name)
{
	size_t i, j;

	for (i = 0; i < machine->members.nr; i++) {
		const struct member *member = &machine->members.members[i];

		/* A disk that was replaced, or is to replace another, is none of the device. */
		if (member->label.kind != LABEL_MEMBER || member->role == ROLE_LEFT_OVER ||
		    strcmp(member->label.set, set->uuid))
			continue;
		for (j = 0; j < line->layout.nr; j++)
			if (block_disk(line->layout.segments[j].dev) == member->dev)
				break;
		if (j == line->layout.nr)
			die(EXIT_FAILED, "%s is member %u of %s, which is without it: the labels are left as they are",
			    member->path, member->label.number, name);
	}
}

/* Pick the UUID of the set of a device: that of its labels, its own, or a new one. */
static const char *pick_uuid(const struct mapped *mapped, const struct set *set)
{
	const char *own = mapped->uuid + strlen(UUID_PREFIX);
	static char new[UUID_LEN + 1];

	if (strncmp(mapped->uuid, UUID_PREFIX, strlen(UUID_PREFIX)) || !set_uuid_is(own)) {
		set_uuid_new(new);
		own = set ? set->uuid : new;
	}
	if (set && strcmp(set->uuid, own))
		die(EXIT_FAILED, "%s has the UUID %s, and its labels are of another set, %s: they are left as they are",
		    mapped->name, mapped->uuid, set->uuid);
	return own;
}

/* Give each child of a device the label that it needs. */
static void write_labels(const struct mapped *mapped, const struct line *line,
			 const struct machine *machine, const char *uuid)
{
	struct member *disks = read_disks(line, machine);
	size_t nr = line->layout.nr, i;
	struct label *labels = NULL;
	struct stack stack;

	stack_read(&stack);
	for (i = 0; i < nr; i++) {
		const struct segment *segment = &line->layout.segments[i];

		labels = grow(labels, i, sizeof(*labels));
		if (is_lost(&disks[i].label, uuid)) {
			refuse_range(mapped, segment, &stack);
			refuse_content(&disks[i]);
			labels[i] = (struct label){
				.offset_bytes = segment->offset_sectors * SECTOR,
				.len_bytes = segment->len_sectors * SECTOR,
			};
		} else {
			refuse_other(&disks[i], segment, i + 1, uuid, mapped->name);
			labels[i] = disks[i].label;
			labels[i].len_bytes = segment->len_sectors * SECTOR;
		}
	}
	labels_fit(labels, nr, uuid, &machine->members, mapped->name);
	hold_signals();
	set_write(disks, labels, nr);
	let_signals();
}

static int run(int argc, char **argv)
{
	const char *name, *unused, *wrong, *uuid;
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
	if (set) {
		if (!set_may_fit(set))
			set_refuse(set);
		refuse_shorter(&machine, &line, set, mapped.name);
	}
	uuid = pick_uuid(&mapped, set);
	write_labels(&mapped, &line, &machine, uuid);
	if (set)
		printf("the members of %s make it as it is\n", mapped.name);
	else
		printf("%s has %zu members\n", mapped.name, line.layout.nr);
	return EXIT_DONE;
}

const struct command command_label = {
	.name = "label",
	.arguments = "NAME",
	.what = "Label the children of a device that has none, or mend its labels",
	.help =
"The device may be in use. A label needs 2 MiB in front of the data of each child and\n"
"1 MiB behind it, which a device that was made without labels has only if its children\n"
"are used from there on. Of a device with labels, all are written anew, also those that\n"
"are damaged or erased, and an extend or a rename that was cut short is ended.\n",
	.run = run,
};
