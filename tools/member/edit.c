// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <unistd.h>

#include "member/edit.h"
#include "sys/sysfs.h"
#include "util/alloc.h"
#include "util/say.h"

/* A disk whose label is being written. */
struct edit {
	char *path;
	unsigned int sector_bytes;
	int lock, fd;
	struct label label;
};

/* What is erased again if the command fails. */
static struct edit *fresh;
static size_t nr_fresh;
/* The member that is last until its successor is there. */
static struct edit end;

static void failed(const char *path)
{
	die(EXIT_FAILED, "%s: %s", path, strerror(errno));
}

/*
 * Open a disk to write its label.  While the lock is held, udev does not read the partition table
 * again, which removes the partition and adds it anew.
 */
static struct edit edit_open(const char *path, dev_t disk, int flags)
{
	struct edit edit = {
		.path = copy_text(path), .sector_bytes = block_sector_bytes(disk),
		.lock = open(path, O_RDONLY | O_CLOEXEC),
	};

	if (edit.lock < 0 || flock(edit.lock, LOCK_EX))
		failed(path);
	edit.fd = open(path, O_RDWR | O_DSYNC | O_CLOEXEC | flags);
	if (edit.fd < 0)
		failed(path);
	return edit;
}

static void edit_write(const struct edit *edit)
{
	if (!label_write(&edit->label, edit->fd, edit->sector_bytes))
		failed(edit->path);
}

/*
 * Open a member to change its label.  If the second copy alone is sound, both are written as they
 * are before: a change of that copy that is cut short would leave none.
 */
static struct edit edit_member(const struct member *member)
{
	struct edit edit = edit_open(member->path, member->dev, 0);

	edit.label = member->label;
	if (edit.label.is_backup)
		edit_write(&edit);
	return edit;
}

/* Have the kernel read the partition table.  Nothing needs the partition but udev and people. */
static void edit_close(struct edit *edit)
{
	if (ioctl(edit->fd, BLKRRPART) && errno != EINVAL && errno != EBUSY)
		note("%s: the kernel could not read its partition table: %s", edit->path,
		     strerror(errno));
	close(edit->fd);
	edit->fd = -1;
}

static void edit_end(struct edit *edit)
{
	if (edit->fd >= 0)
		close(edit->fd);
	close(edit->lock);
	free(edit->path);
}

/* Erase the new labels, as they describe no device.  A first one is made void before. */
static void undo(void)
{
	size_t i;

	for (i = 0; i < nr_fresh; i++)
		if (fresh[i].fd < 0)
			fresh[i].fd = open(fresh[i].path, O_RDWR | O_DSYNC | O_CLOEXEC);
	if (nr_fresh && fresh->label.number == 1 && fresh->label.kind) {
		fresh->label.is_void = true;
		label_write(&fresh->label, fresh->fd, fresh->sector_bytes);
	}
	for (i = nr_fresh; i--; ) {
		if (fresh[i].label.kind &&
		    !label_erase(fresh[i].fd, fresh[i].sector_bytes))
			note("%s: the label could not be erased again: %s", fresh[i].path,
			     strerror(errno));
		edit_close(&fresh[i]);
	}
}

/* From now on, failures leave the new labels as they are. */
void set_keep(void)
{
	while (nr_fresh)
		edit_end(&fresh[--nr_fresh]);
	free(fresh);
	fresh = NULL;
}

/* Return NULL for a name that a label can hold, or else the end of a sentence. */
const char *label_name_check(const char *name)
{
	return strlen(name) <= LABEL_NAME_MAX ? NULL :
	       "does not fit into a label, which holds 36 letters";
}

/* The label of a child, the one of this index of so many new ones. */
static struct label new_label(const struct child *child, const char *name, const char *uuid,
			      unsigned int before, unsigned int generation, bool is_last)
{
	struct label label = {
		.kind = LABEL_MEMBER, .number = before + 1, .joined = generation,
		.next = generation, .is_last = is_last,
		.offset_bytes = child->offset_sectors * SECTOR,
		.len_bytes = child->len_sectors * SECTOR,
	};

	snprintf(label.name, sizeof(label.name), "%s", name);
	snprintf(label.set, sizeof(label.set), "%s", uuid);
	return label;
}

/* Erase what is in the partition in front of the data. */
static void erase_gap(const struct edit *edit, uint64_t offset_bytes)
{
	char *zeroes = calloc(1, LABEL_GAP_BYTES);

	if (!zeroes || pwrite(edit->fd, zeroes, LABEL_GAP_BYTES, offset_bytes - LABEL_GAP_BYTES) !=
	    LABEL_GAP_BYTES)
		failed(edit->path);
	free(zeroes);
}

/* Open the disks of children, and make what is in the partition in front of the data zero. */
static void open_children(const struct children *children)
{
	size_t i;

	atexit(undo);
	for (i = 0; i < children->nr; i++) {
		const struct child *child = &children->children[i];

		fresh = grow(fresh, nr_fresh, sizeof(*fresh));
		fresh[nr_fresh] = edit_open(child->given, child->dev, O_EXCL);
		erase_gap(&fresh[nr_fresh++], child->offset_sectors * SECTOR);
	}
}

/* Write the labels of the children from the last on to this index. */
static void write_children(const struct children *children, size_t first, const char *name,
			   const char *uuid, unsigned int before, unsigned int generation)
{
	size_t i;

	for (i = children->nr; i-- > first; ) {
		fresh[i].label = new_label(&children->children[i], name, uuid, before + i,
					   generation, i == children->nr - 1);
		edit_write(&fresh[i]);
	}
}

static void close_children(void)
{
	size_t i;

	/* The mapped device opens them exclusively. */
	for (i = 0; i < nr_fresh; i++)
		edit_close(&fresh[i]);
}

/* Label children as the members of a new set.  Until set_keep(), the exit erases the labels. */
void set_make(const struct children *children, const char *name, const char *uuid)
{
	open_children(children);
	fresh->label = new_label(children->children, name, uuid, 0, 0, children->nr == 1);
	fresh->label.is_void = true;
	edit_write(fresh);
	write_children(children, 1, name, uuid, 0, 0);
	fresh->label.is_void = false;
	edit_write(fresh);
	close_children();
}

/* Print the commands that do what set_make() does. */
void set_print(const struct children *children, const char *name, const char *uuid)
{
	size_t i;

	for (i = 0; i < children->nr; i++) {
		const struct child *child = &children->children[i];
		uint64_t sector = block_sector_bytes(child->dev);

		printf("sfdisk %s <<END\nlabel: gpt\nunit: sectors\n"
		       "start=%ju, size=%ju, type=" LABEL_TYPE ", uuid=%.28s0000%04zx, name=%s%s\nEND\n",
		       child->given,
		       (uintmax_t)((child->offset_sectors * SECTOR - LABEL_GAP_BYTES) / sector),
		       (uintmax_t)((child->len_sectors * SECTOR + LABEL_GAP_BYTES) / sector), uuid,
		       i + 1, name, i == children->nr - 1 ? ", attrs=GUID:63" : "");
	}
}

/*
 * Label children as further members of a set.  The set is as it was until set_extended(), and until
 * then the exit erases the labels.
 */
void set_extend(const struct set *set, const struct children *children)
{
	const struct member *last = set->chain[set->nr - 1];

	if (last->label.next == LABEL_GENERATION_MAX ||
	    set->nr + children->nr > LABEL_NUMBER_MAX)
		die(EXIT_FAILED, "%s has been extended as often as its labels can count, %u times",
		    set->name, LABEL_GENERATION_MAX);
	end = edit_member(last);
	end.label.next++;
	open_children(children);
	edit_write(&end);
	write_children(children, 0, set->name, set->uuid, set->nr, end.label.next);
	close_children();
}

/* The device has its new size: make it that of the set, with one write. */
static void write_size(const struct edit *edit)
{
	if (!label_write(&edit->label, edit->fd, edit->sector_bytes))
		die(EXIT_FAILED, "%s: %s: %s has its new size, and its members make it without: run daxlinear label %s",
		    edit->path, strerror(errno), edit->label.name, edit->label.name);
}

/* The device has its new children: make them a part of the set. */
void set_extended(void)
{
	set_keep();
	end.label.is_last = false;
	write_size(&end);
	edit_end(&end);
}

/* The device has more of its last member: make that a part of the set. */
void member_grow(const struct member *last, uint64_t len_bytes)
{
	struct edit edit = edit_member(last);

	edit.label.len_bytes = len_bytes;
	write_size(&edit);
	edit_close(&edit);
	edit_end(&edit);
}

/* Write the labels of a live device, from the last to the first, also those that were lost. */
void set_write(const struct member *members, const struct label *labels, size_t nr)
{
	struct edit edit;

	while (nr--) {
		if (members[nr].label.kind == LABEL_MEMBER) {
			edit = edit_member(&members[nr]);
		} else {
			edit = edit_open(members[nr].path, members[nr].dev, 0);
			erase_gap(&edit, labels[nr].offset_bytes);
		}
		edit.label = labels[nr];
		edit_write(&edit);
		edit_end(&edit);
	}
}

/* Write a name into all members, into the first at last: its name is the set's. */
void set_rename(const struct set *set, const char *name)
{
	struct edit edit;
	size_t i;

	for (i = set->nr; i--; ) {
		edit = edit_member(set->chain[i]);
		snprintf(edit.label.name, sizeof(edit.label.name), "%s", name);
		edit_write(&edit);
		edit_end(&edit);
	}
}

/* A number that tells what one replace writes from what another one has left. */
unsigned int member_tag(void)
{
	uint16_t random;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		abort();
	return 1 + random % LABEL_GENERATION_MAX;
}

static void write_once(const char *path, dev_t disk, const struct label *label, int flags)
{
	struct edit edit = edit_open(path, disk, flags);

	edit.label = *label;
	if (label->kind == LABEL_INCOMING)
		erase_gap(&edit, label->offset_bytes);
	edit_write(&edit);
	edit_close(&edit);
	edit_end(&edit);
}

/* Label a disk that is to take the place of a member.  It is none until that is marked. */
void member_incoming(const struct child *child, const struct label *old, unsigned int tag)
{
	struct label label = *old;

	label.kind = LABEL_INCOMING;
	label.joined = tag;
	label.offset_bytes = child->offset_sectors * SECTOR;
	label.len_bytes = child->len_sectors * SECTOR;
	write_once(child->given, child->dev, &label, O_EXCL);
}

/* Mark a member as replaced by the incoming disk with the tag: this write decides. */
void member_replaced(const struct member *old, unsigned int tag)
{
	struct label label = old->label;

	label.kind = LABEL_REPLACED;
	label.next = tag;
	write_once(old->path, old->dev, &label, 0);
}

/* Make the label of a disk whose predecessor is marked that of a member. */
void member_arrived(const struct member *member)
{
	write_once(member->path, member->dev, &member->label, 0);
}

/* Erase the label of a disk that is not in use. */
void member_release(const char *path, dev_t disk)
{
	struct edit edit = edit_open(path, disk, O_EXCL);

	if (!label_erase(edit.fd, edit.sector_bytes))
		failed(path);
	edit_close(&edit);
	edit_end(&edit);
}
