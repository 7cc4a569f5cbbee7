// SPDX-License-Identifier: GPL-2.0
/*
 * The file is written beside the old one, synced, and renamed over it, so that a crash or a full
 * disk leaves one or the other.  What is read stays as JSON beside the structs, so that keys which
 * this version has no use for are written back.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "health/history.h"
#include "sys/sysfs.h"
#include "util/alloc.h"
#include "util/json.h"
#include "util/say.h"

#define VERSION		1
#define FILE_NAME	"failures.json"

/* No administrator keeps more damaged files. */
#define DAMAGED_MAX	1000

static bool child_fill(struct history_child *child, struct json_object *json)
{
	const char *dev = get_text(json, "dev");

	*child = (struct history_child){
		.child = get_text(json, "child"),
		.namespace = get_text(json, "namespace"),
		.name = get_text(json, "name"),
		.boot = get_text(json, "boot"),
		.json = json,
	};
	get_number(json, "time_ns", &child->time_ns);
	return child->child && child->boot && (!dev || device_number(dev, &child->dev)) &&
	       get_number(json, "seq", &child->seq);
}

static bool range_fill(struct history_range *range, struct json_object *json)
{
	*range = (struct history_range){
		.child = get_text(json, "child"),
		.namespace = get_text(json, "namespace"),
		.first = get_text(json, "first"),
		.last = get_text(json, "last"),
		.source = get_text(json, "source"),
		.result = get_text(json, "result"),
		.boot = get_text(json, "boot"),
		.state = get_text(json, "state"),
		.json = json,
	};
	return range->child && range->first && range->last && range->source && range->boot &&
	       range->state && get_number(json, "sector", &range->sector) &&
	       get_number(json, "sectors", &range->sectors) &&
	       range->sectors <= UINT64_MAX - range->sector &&
	       get_number(json, "count", &range->count);
}

static bool add_child(struct history *history, struct json_object *json)
{
	history->children = grow(history->children, history->nr_children,
				 sizeof(struct history_child));
	return child_fill(&history->children[history->nr_children++], json);
}

static bool add_range(struct history *history, struct json_object *json)
{
	history->ranges = grow(history->ranges, history->nr_ranges, sizeof(struct history_range));
	return range_fill(&history->ranges[history->nr_ranges++], json);
}

/* Read all objects of an array; false if it is none, or one of them is not as it should be. */
static bool parse_array(struct history *history, const char *key,
			bool (*add)(struct history *history, struct json_object *json))
{
	struct json_object *array = get_array(history->root, key), *json;
	size_t i;

	for (i = 0; array && i < array_length(array); i++) {
		json = array_object(array, i);
		if (!json || !add(history, json))
			return false;
	}
	return array;
}

static bool parse(struct history *history, const char *text)
{
	uint64_t version;

	history->root = json_parse(text);
	return history->root && get_number(history->root, "version", &version) &&
	       version == VERSION && parse_array(history, "children", add_child) &&
	       parse_array(history, "ranges", add_range);
}

static void clear(struct history *history)
{
	free(history->children);
	free(history->ranges);
	json_free(history->root);
	*history = (struct history){ .folder = history->folder };
}

static void begin(struct history *history)
{
	clear(history);
	history->root = new_object();
	put_number(history->root, "version", VERSION);
	put_array(history->root, "children");
	put_array(history->root, "ranges");
}

/* Rename a damaged file to the first name that is free. */
static bool set_aside(const struct history *history)
{
	char *from = format_text("%s/" FILE_NAME, history->folder), *to;
	bool done = false;
	int i;

	for (i = 1; i <= DAMAGED_MAX && !done; i++) {
		to = format_text("%s.damaged-%d", from, i);
		done = !renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
		if (done)
			note("%s is damaged, or is of another version of daxlinear: it is kept as %s, and failures of earlier boots are not listed any more",
			     from, to);
		else if (errno != EEXIST)
			break;
		free(to);
	}
	if (!done)
		note("%s is damaged and cannot be renamed: %s; move it away", from,
		     strerror(errno));
	free(from);
	return done;
}

/*
 * Read the file.  A missing one is an empty history.  Otherwise the history is empty, too, and
 * @damaged is set if the file could be read.
 */
static bool load(struct history *history, const char *folder, bool *damaged)
{
	char *text;
	bool good;

	*history = (struct history){ .folder = copy_text(folder) };
	*damaged = false;
	text = read_text("%s/" FILE_NAME, folder);
	if (!text) {
		good = errno == ENOENT;
		if (!good)
			note("%s/" FILE_NAME ": %s; failures of earlier boots are not listed",
			     folder, strerror(errno));
		begin(history);
		return good;
	}
	good = parse(history, text);
	free(text);
	if (!good) {
		*damaged = true;
		begin(history);
	}
	return good;
}

/**
 * history_load - read the history without changing it
 * @history: The result, empty if there is none or it cannot be read.
 * @folder: HISTORY_FOLDER, but for tests.
 *
 * Return: Whether it is complete.  If not, a message was printed.
 */
bool history_load(struct history *history, const char *folder)
{
	bool damaged, good = load(history, folder, &damaged);

	history_apply_settled(history);
	if (damaged)
		note("%s/" FILE_NAME " is damaged, or is of another version of daxlinear: failures of earlier boots are not listed; daxlinear monitor sets it aside",
		     folder);
	return good;
}

/* Take the lock of writers, which the exit of this process releases; false if another has it. */
static bool lock(const char *folder)
{
	int fd;

	/* It is the service manager's to make, but for a monitor that is run by hand. */
	mkdir(folder, 0755);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return true;
	return !flock(fd, LOCK_EX | LOCK_NB) || errno != EWOULDBLOCK;
}

/* Whether another process writes the history: the monitor, but for the end of a repair. */
bool history_is_written(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool written = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK;

	if (fd >= 0)
		close(fd);
	return written;
}

/**
 * history_open - read the history to write it
 * @history: The result.  A damaged file is set aside, and the history is empty.
 * @folder: HISTORY_FOLDER, but for tests.
 *
 * Return: False if another process writes it.
 */
bool history_open(struct history *history, const char *folder)
{
	bool damaged;

	*history = (struct history){ 0 };
	if (!lock(folder))
		return false;
	if (!load(history, folder, &damaged) && (!damaged || !set_aside(history)))
		history->err = damaged ? EEXIST : EIO;
	return true;
}

static bool write_all(int fd, const char *text)
{
	size_t left = strlen(text);
	ssize_t length;

	while (left) {
		length = write(fd, text, left);
		if (length < 0)
			return false;
		text += length;
		left -= length;
	}
	return true;
}

static bool write_new(const char *path, const char *text)
{
	int fd, err;
	bool done;

	/* Left by a process that was killed. */
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return false;
	done = write_all(fd, text) && !fsync(fd);
	err = errno;
	close(fd);
	if (!done)
		unlink(path);
	errno = err;
	return done;
}

static bool sync_folder(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool done = fd >= 0 && !fsync(fd);

	if (fd >= 0)
		close(fd);
	return done;
}

/*
 * Write the history.  On failure, the old file is left as it was, and errno is set.  A file that
 * could neither be read nor set aside is never replaced.
 */
bool history_save(const struct history *history)
{
	char *path, *new;
	bool done;

	if (history->err) {
		errno = history->err;
		return false;
	}
	path = format_text("%s/" FILE_NAME, history->folder);
	new = format_text("%s.new", path);
	done = write_new(new, json_text(history->root)) && !rename(new, path) &&
	       sync_folder(history->folder);
	free(new);
	free(path);
	return done;
}

void history_free(struct history *history)
{
	clear(history);
	free(history->folder);
	*history = (struct history){ 0 };
}

static bool same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

/* Whether it is the same child: by the UUID of its namespace, by name only if neither has one. */
static bool same_child(const char *child, const char *namespace, const char *other_child,
		       const char *other_namespace)
{
	return same(namespace, other_namespace) && (namespace || same(child, other_child));
}

/* Find a child, NULL if it was never held. */
const struct history_child *history_child(const struct history *history, const char *child,
					  const char *namespace)
{
	size_t i;

	for (i = 0; i < history->nr_children; i++)
		if (same_child(history->children[i].child, history->children[i].namespace, child,
			       namespace))
			return &history->children[i];
	return NULL;
}

/* Find the child that had a number in a boot, NULL if there is none; it may have gone. */
const struct history_child *history_child_of(const struct history *history, const char *boot,
					     dev_t dev)
{
	size_t i;

	for (i = 0; i < history->nr_children; i++)
		if (history->children[i].dev == dev && same(history->children[i].boot, boot))
			return &history->children[i];
	return NULL;
}

/* Add a child, or replace what is there about it. */
void history_set_child(struct history *history, const struct history_child *child)
{
	const struct history_child *old = history_child(history, child->child, child->namespace);
	struct json_object *json = old ? old->json : new_object();
	size_t number = old ? (size_t)(old - history->children) : 0;
	struct history_child new = *child;
	char *dev = format_text("%u:%u", major(child->dev), minor(child->dev));

	/* What is replaced may be what @child points to. */
	new.child = copy_text(child->child);
	new.namespace = child->namespace ? copy_text(child->namespace) : NULL;
	new.name = child->name ? copy_text(child->name) : NULL;
	new.boot = copy_text(child->boot);
	put_text(json, "child", new.child);
	put_text(json, "namespace", new.namespace);
	put_text(json, "name", new.name);
	put_text(json, "dev", child->dev ? dev : NULL);
	put_text(json, "boot", new.boot);
	put_number(json, "seq", new.seq);
	put_number(json, "time_ns", new.time_ns);
	if (old) {
		child_fill(&history->children[number], json);
	} else {
		add_object(get_array(history->root, "children"), json);
		add_child(history, json);
	}
	free((char *)new.child);
	free((char *)new.namespace);
	free((char *)new.name);
	free((char *)new.boot);
	free(dev);
}

/* List the ranges of a child.  The caller frees the list. */
size_t history_find(const struct history *history, const char *child, const char *namespace,
		    const struct history_range ***ranges)
{
	size_t nr = 0, i;

	*ranges = NULL;
	for (i = 0; i < history->nr_ranges; i++) {
		const struct history_range *range = &history->ranges[i];

		if (!same_child(range->child, range->namespace, child, namespace))
			continue;
		*ranges = grow(*ranges, nr, sizeof(range));
		(*ranges)[nr++] = range;
	}
	return nr;
}

/* An owner that a range had when it was seen last, NULL if there are no more. */
const char *history_owner(const struct history_range *range, size_t number)
{
	struct json_object *owners = get_array(range->json, "owners");

	return owners ? array_text(owners, number) : NULL;
}

/* Find a range with this place, child and source, NULL if there is none. */
const struct history_range *history_same(const struct history *history,
					 const struct history_range *range)
{
	size_t i;

	for (i = 0; i < history->nr_ranges; i++) {
		const struct history_range *other = &history->ranges[i];

		if (other->sector == range->sector && other->sectors == range->sectors &&
		    same_child(other->child, other->namespace, range->child, range->namespace) &&
		    !strcmp(other->source, range->source))
			return other;
	}
	return NULL;
}

static void put_owners(struct json_object *json, char * const *owners, size_t nr)
{
	struct json_object *list = put_array(json, "owners");
	size_t i;

	for (i = 0; i < nr; i++)
		add_text(list, owners[i]);
}

/**
 * history_add - add a range, or count it once more if it is there already
 * @history: The history.
 * @range: The range; its times, result, boot and state replace those of before, but the first time
 *	and the state quarantined.
 *	It is none of the history's own.
 * @owners: What it belongs to.  Without any, those of before are kept.
 * @nr_owners: How many.
 */
void history_add(struct history *history, const struct history_range *range,
		 char * const *owners, size_t nr_owners)
{
	const struct history_range *old = history_same(history, range);
	struct json_object *json = old ? old->json : new_object();

	put_text(json, "child", range->child);
	put_text(json, "namespace", range->namespace);
	put_number(json, "sector", range->sector);
	put_number(json, "sectors", range->sectors);
	if (!old)
		put_text(json, "first", range->first);
	put_text(json, "last", range->last);
	put_number(json, "count", range->count + (old ? old->count : 0));
	put_text(json, "source", range->source);
	put_text(json, "result", range->result);
	put_text(json, "boot", range->boot);
	/* What is in quarantine stays there if its driver, or a failure, lists it again. */
	if (!old || strcmp(old->state, "quarantined"))
		put_text(json, "state", range->state);
	if (nr_owners || !get_array(json, "owners"))
		put_owners(json, owners, nr_owners);
	if (old) {
		range_fill(&history->ranges[old - history->ranges], json);
		return;
	}
	add_object(get_array(history->root, "ranges"), json);
	add_range(history, json);
}

/* Remove a range of the history. */
void history_remove(struct history *history, const struct history_range *range)
{
	size_t number = range - history->ranges;

	array_remove(get_array(history->root, "ranges"), range->json);
	history->nr_ranges--;
	memmove(&history->ranges[number], &history->ranges[number + 1],
		(history->nr_ranges - number) * sizeof(*range));
}

/* The mounts that an alert was printed about, as texts that the monitor makes. */
bool history_has_mount(const struct history *history, const char *mount)
{
	struct json_object *list = get_array(history->root, "mounts");
	const char *other;
	size_t i;

	for (i = 0; list && i < array_length(list); i++) {
		other = array_text(list, i);
		if (other && !strcmp(other, mount))
			return true;
	}
	return false;
}

/* Replace the list of mounts. */
void history_set_mounts(struct history *history, char * const *mounts, size_t nr)
{
	struct json_object *list = put_array(history->root, "mounts");
	size_t i;

	for (i = 0; i < nr; i++)
		add_text(list, mounts[i]);
}

/* The alerts that the hooks have not ended for, as objects that the monitor makes; may be NULL. */
struct json_object *history_owed(const struct history *history)
{
	return get_array(history->root, "owed");
}

/* Begin the list anew. */
struct json_object *history_new_owed(struct history *history)
{
	return put_array(history->root, "owed");
}
