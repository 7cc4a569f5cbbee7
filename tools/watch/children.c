// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/nd.h"
#include "sys/sysfs.h"
#include "util/alloc.h"
#include "watch/children.h"
#include "watch/journal.h"

#define FOLDER	"/sys/class/dax-holder"

static int open_file(const char *format, const char *disk)
	__attribute__((format(printf, 1, 0)));

static int open_file(const char *format, const char *disk)
{
	char *path = format_text(format, disk);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	free(path);
	return fd;
}

static void read_once(int fd)
{
	char text[64];

	if (fd >= 0 && pread(fd, text, sizeof(text), 0) < 0)
		return;
}

/* poll() returns for what changes after this. */
void child_arm(const struct watched *child)
{
	read_once(child->seq_fd);
	read_once(child->badblocks_fd);
}

static struct watched *find(const struct children_list *list, ino_t inode)
{
	size_t i;

	for (i = 0; i < list->nr; i++)
		if (list->children[i].inode == inode)
			return &list->children[i];
	return NULL;
}

static bool add(struct children_list *list, const char *disk)
{
	struct watched new = { .badblocks_fd = -1, .lasting = true }, *old;
	struct stat status;

	new.seq_fd = open_file(FOLDER "/%s/seq", disk);
	if (new.seq_fd < 0 || fstat(new.seq_fd, &status)) {
		if (new.seq_fd >= 0)
			close(new.seq_fd);
		return false;
	}
	old = find(list, status.st_ino);
	if (old) {
		close(new.seq_fd);
		old->lasting = true;
		/* Other memory may have got the name of this one. */
		snprintf(old->id.disk, sizeof(old->id.disk), "%s", disk);
		return false;
	}
	new.inode = status.st_ino;
	snprintf(new.id.disk, sizeof(new.id.disk), "%s", disk);
	list->children = grow(list->children, list->nr, sizeof(new));
	list->children[list->nr++] = new;
	return true;
}

static void drop(struct children_list *list, size_t number)
{
	struct watched *child = &list->children[number];

	close(child->seq_fd);
	if (child->badblocks_fd >= 0)
		close(child->badblocks_fd);
	*child = list->children[--list->nr];
}

/* The driver's list comes and goes with the disk. */
static void open_badblocks(struct watched *child)
{
	char *path = format_text("/sys/block/%s", child->id.disk);
	bool there = !access(path, F_OK);

	free(path);
	if (child->badblocks_fd >= 0 && !there) {
		close(child->badblocks_fd);
		child->badblocks_fd = -1;
	} else if (child->badblocks_fd < 0 && there) {
		child->badblocks_fd = open_file("/sys/block/%s/badblocks", child->id.disk);
	}
}

/* Bring the list up to date; whether there are new children, of which only the disk is set. */
bool children_update(struct children_list *list)
{
	bool news = false;
	char **disks;
	size_t nr, i;

	for (i = 0; i < list->nr; i++)
		list->children[i].lasting = false;
	nr = records_list(&disks);
	for (i = 0; i < nr; i++) {
		news |= add(list, disks[i]);
		free(disks[i]);
	}
	free(disks);
	for (i = list->nr; i--; )
		if (!list->children[i].lasting)
			drop(list, i);
	for (i = 0; i < list->nr; i++)
		open_badblocks(&list->children[i]);
	return news;
}

/*
 * Find the number and the namespace of a child: by the kernel, or as they were when it was there.
 * Return whether that has changed.
 */
bool child_identify(struct watched *child, const struct history *history, const char *boot)
{
	struct identity id = child->id, before = child->id;
	const struct history_child *old;
	char *text = read_text(FOLDER "/%s/dev", id.disk);
	struct pmem pmem;

	if (!text)
		text = read_text("/sys/block/%s/dev", id.disk);
	if (text && strcmp(text, "0:0"))
		device_number(text, &id.dev);
	free(text);
	if (nd_find(id.disk, &pmem)) {
		snprintf(id.namespace, sizeof(id.namespace), "%s", pmem.uuid);
		snprintf(id.name, sizeof(id.name), "%s", pmem.namespace);
	} else if (!id.namespace[0]) {
		old = history_child_of(history, boot, id.dev);
		if (old && old->namespace)
			snprintf(id.namespace, sizeof(id.namespace), "%s", old->namespace);
		if (old && old->name)
			snprintf(id.name, sizeof(id.name), "%s", old->name);
	}
	child->id = id;
	return id.dev != before.dev || strcmp(id.namespace, before.namespace);
}

/* Whether the record has this event: a record that began anew has other times. */
static bool has_event(const struct record *record, uint64_t seq, uint64_t time_ns)
{
	size_t i;

	for (i = 0; i < record->nr_events; i++)
		if (record->events[i].seq == seq && record->events[i].time_ns == time_ns)
			return true;
	return false;
}

/*
 * Go on where an earlier monitor has ended.  Its last event is still in the record, unless many
 * have come since.
 */
void child_resume(struct watched *child, const struct history *history, const char *boot,
		  const struct record *record, bool journal)
{
	const struct record_event *oldest = record->nr_events ? record->events : NULL;
	struct journal_entry entry;
	size_t i;

	for (i = 0; i < history->nr_children; i++) {
		const struct history_child *old = &history->children[i];

		if (strcmp(old->boot, boot) || old->seq < child->done || !oldest ||
		    !(has_event(record, old->seq, old->time_ns) ||
		      (old->seq && old->seq < oldest->seq && old->time_ns < oldest->time_ns &&
		       record_lost_events(record) && old->dev == child->id.dev)))
			continue;
		child->done = old->seq;
		child->done_ns = old->time_ns;
	}
	child->seen = child->done;
	child->journaled = child->done;
	child->parts = UINT64_MAX;
	/* The journal may have more than what the history was saved with. */
	if (journal && oldest && record->events[record->nr_events - 1].seq > child->done &&
	    journal_last(boot, &child->id, &entry) && entry.seq > child->done &&
	    has_event(record, entry.seq, entry.time_ns)) {
		child->journaled = entry.seq;
		child->parts = entry.part;
	}
}

/* The UUID, NULL if it is not known. */
const char *child_namespace(const struct watched *child)
{
	return child->id.namespace[0] ? child->id.namespace : NULL;
}
