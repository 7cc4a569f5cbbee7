// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device/claim.h"
#include "member/disks.h"
#include "sys/sysfs.h"
#include "util/alloc.h"
#include "util/say.h"

#define DISKS	"/sys/block"

/* Read the label of a disk with DAX that is no mapped device. */
static void read_disk(struct machine *machine, const char *name)
{
	char *number = read_text(DISKS "/%s/dev", name), *path = NULL;
	struct label label;
	dev_t dev;
	int fd;

	if (!number || !device_number(number, &dev) || !block_has_dax(dev) || block_is_mapped(dev))
		goto out;
	path = block_path(dev);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		goto out;
	label_read(&label, fd, block_sector_bytes(dev));
	close(fd);
	if (label.kind != LABEL_NONE)
		members_add(&machine->members, path, dev, &label);
out:
	free(path);
	free(number);
}

static int is_name(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Read all labels of this machine, and name each of which a copy is damaged. */
void machine_read(struct machine *machine)
{
	struct dirent **names;
	const char *damage;
	int nr, i;

	*machine = (struct machine){ 0 };
	nr = scandir(DISKS, &names, is_name, versionsort);
	for (i = 0; i < nr; i++) {
		read_disk(machine, names[i]->d_name);
		free(names[i]);
	}
	if (nr >= 0)
		free(names);
	sets_find(&machine->sets, &machine->members);
	for (i = 0; i < (int)machine->members.nr; i++) {
		damage = label_damage(&machine->members.members[i].label);
		if (damage)
			note("%s: %s, and the other serves: daxlinear label writes both anew",
			     machine->members.members[i].path, damage);
	}
}

void machine_free(struct machine *machine)
{
	sets_free(&machine->sets);
	members_free(&machine->members);
}

/* The disk with a label that a device is, or is on; NULL if there is none. */
struct member *member_find(const struct machine *machine, dev_t dev)
{
	dev_t disk = block_disk(dev);
	size_t i;

	for (i = 0; i < machine->members.nr; i++)
		if (machine->members.members[i].dev == disk)
			return &machine->members.members[i];
	return NULL;
}

const struct set *set_find(const struct machine *machine, const char *uuid)
{
	size_t i;

	for (i = 0; i < machine->sets.nr; i++)
		if (!strcmp(machine->sets.sets[i].uuid, uuid))
			return &machine->sets.sets[i];
	return NULL;
}

static bool is_start(const struct member *member, const struct segment *segment)
{
	return block_disk(segment->dev) == member->dev &&
	       (block_start(segment->dev) + segment->offset_sectors) * SECTOR ==
	       member->label.offset_bytes;
}

/* Whether a range is that of the data of a member. */
bool member_is_range(const struct member *member, const struct segment *segment)
{
	return is_start(member, segment) &&
	       segment->len_sectors * SECTOR == member->label.len_bytes;
}

/* Likewise, or will be when its label is written: the table of the last member grows before. */
bool member_may_be_range(const struct member *member, const struct segment *segment)
{
	return member_is_range(member, segment) ||
	       (member->label.is_last && is_start(member, segment));
}

/* Whether the members of a set that were found are the first ranges of a device. */
bool set_fits(const struct set *set, const struct layout *layout)
{
	size_t i;

	if (set->nr > layout->nr)
		return false;
	for (i = 0; i < set->nr; i++)
		if (!member_is_range(set->chain[i], &layout->segments[i]))
			return false;
	return true;
}

/*
 * The set that a device belongs to, by the label of any of its disks that is a member in its place,
 * or says so in spite of its damage; NULL if none is.
 */
const struct set *set_of_layout(const struct machine *machine, const struct layout *layout)
{
	const struct member *member;
	size_t i;

	for (i = 0; i < layout->nr; i++) {
		member = layout->segments[i].dev ?
			 member_find(machine, layout->segments[i].dev) : NULL;
		if (member && member->label.number == i + 1 &&
		    (member->label.kind == LABEL_DAMAGED ||
		     member_may_be_range(member, &layout->segments[i])))
			return set_find(machine, member->label.set);
	}
	return NULL;
}

/* The first disk of a device of whose label no copy is sound, NULL if there is none. */
const struct member *damaged_of_layout(const struct machine *machine, const struct layout *layout)
{
	const struct member *member;
	size_t i;

	for (i = 0; i < layout->nr; i++) {
		member = layout->segments[i].dev ?
			 member_find(machine, layout->segments[i].dev) : NULL;
		if (member && member->label.kind == LABEL_DAMAGED)
			return member;
	}
	return NULL;
}

/* Leave room for labels. */
void children_label(struct children *children)
{
	children->front_bytes = LABEL_FRONT_BYTES;
	children->gap_bytes = LABEL_GAP_BYTES;
	children->back_bytes = LABEL_BACK_BYTES;
}

static void refuse_member(const struct child *child, const struct member *member,
			  const struct set *set)
{
	if (member->label.kind == LABEL_DAMAGED)
		die(EXIT_DAMAGED, "%s has a partition table (GPT) of which both copies are damaged: wipefs -a %s erases it",
		    child->given, child->given);
	if (member->label.kind == LABEL_FOREIGN || (member->label.kind == LABEL_MEMBER && !set))
		die(EXIT_FOREIGN, "%s has a partition of the type of members, and not as daxlinear writes it: wipefs -a %s erases the table",
		    child->given, child->given);
	if (member->label.kind == LABEL_REPLACED)
		die(EXIT_FAILED, "%s was member %u of %s and has been replaced: daxlinear release %s erases the label",
		    child->given, member->label.number, member->label.name, child->given);
	if (member->label.kind == LABEL_INCOMING)
		die(EXIT_FAILED, "%s is to replace member %u of %s: the same daxlinear replace goes on; daxlinear release %s erases the label",
		    child->given, member->label.number, member->label.name, child->given);
	die(EXIT_FAILED, "%s is member %u of %s, a set that is %s: %sdaxlinear release %s erases the label",
	    child->given, member->label.number, set->name, set_state_text(set),
	    set->state == SET_COMPLETE ?
	    "daxlinear assemble makes the device, with what is on it; " : "", child->given);
}

/* Whether nothing is lost with a label: its set has no data, or it is left over of the own set. */
static bool is_useless(const struct member *member, const struct set *set, const char *own)
{
	if (!set || member->label.kind == LABEL_FOREIGN)
		return false;
	return set->state == SET_UNFINISHED ||
	       (own && !strcmp(own, set->uuid) && member->role == ROLE_LEFT_OVER);
}

/* Refuse members, but for those whose label is of no use. */
void children_refuse_members(struct children *children, const struct machine *machine,
			     const char *own)
{
	const struct member *member;
	const struct set *set;
	struct child *child;
	struct stat status;

	for (child = children->children; child < children->children + children->nr; child++) {
		if (stat(child->given, &status) || !S_ISBLK(status.st_mode))
			continue;
		claim_refuse(status.st_rdev, child->given);
		member = member_find(machine, status.st_rdev);
		if (!member)
			continue;
		set = set_find(machine, member->label.set);
		child->may_overwrite = is_useless(member, set, own);
		if (!child->may_overwrite && !children->force)
			refuse_member(child, member, set);
	}
}
