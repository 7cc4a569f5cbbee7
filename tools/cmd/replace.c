// SPDX-License-Identifier: GPL-2.0
/* daxlinear replace: copies a child to another device, which takes its place. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/child_options.h"
#include "cmd/command.h"
#include "cmd/set_device.h"
#include "cmd/sets.h"
#include "device/change.h"
#include "device/claim.h"
#include "device/huge.h"
#include "device/lock.h"
#include "health/report.h"
#include "member/edit.h"
#include "replace/exclusive.h"
#include "replace/lost.h"
#include "replace/swap.h"
#include "sys/nd.h"
#include "sys/sysfs.h"
#include "util/alloc.h"
#include "util/say.h"
#include "util/size.h"

#define FOLDER	HISTORY_FOLDER "/replace"

/* The smallest granule, so that extend could use a rest of this size. */
#define REST_BYTES	(128 * MIB)

static const struct option options[] = {
	{ "force", no_argument, NULL, 'f' },
	{ "to-larger", no_argument, NULL, 't' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

struct given {
	const char *name, *old, *new;
	dev_t old_dev, new_dev;
	bool force, to_larger;
};

/* What is replaced, and by what. */
struct job {
	struct given given;
	struct machine machine;
	struct stack stack;
	struct swap swap;
	struct children children;
	struct segment *segment;	/* of the line: the place of the child */
	struct table table;		/* before it is changed */
	struct place old, new;
	struct bads bads;
	struct copy copy;
};

static void read_words(int argc, char **argv, struct given *given)
{
	int option;

	while ((option = next_option(argc, argv, options)) != -1) {
		if (option == 'f')
			given->force = true;
		else if (option == 't')
			given->to_larger = true;
		else if (!given->name)
			given->name = optarg;
		else if (!given->old)
			given->old = optarg;
		else
			one_argument(&given->new, "NEW");
	}
	if (!given->new)
		usage("give a NAME, the OLD device and the NEW one");
}

static dev_t device_of(const char *given)
{
	struct stat status;

	if (stat(given, &status))
		die(EXIT_FAILED, "%s: %s", given, strerror(errno));
	if (!S_ISBLK(status.st_mode))
		die(EXIT_FAILED, "%s is no block device", given);
	return status.st_rdev;
}

/* What a device is called in the name of a map file, also after a reboot if it has a UUID. */
static char *lasting(dev_t dev)
{
	char *name = block_name(dev);
	struct pmem pmem;

	if (!nd_find(name, &pmem) || !pmem.uuid[0])
		return name;
	free(name);
	return copy_text(pmem.uuid);
}

static void find_map(struct job *job)
{
	char *old = lasting(job->given.old_dev), *new = lasting(job->given.new_dev);

	if ((mkdir(HISTORY_FOLDER, 0755) && errno != EEXIST) ||
	    (mkdir(FOLDER, 0755) && errno != EEXIST))
		die(EXIT_FAILED, FOLDER ": %s", strerror(errno));
	job->copy.map_path = format_text(FOLDER "/%s.%s.%s.map", job->given.name, old, new);
	free(old);
	free(new);
}

/* Remove the map file, and what a run that was killed has left beside it. */
static void drop_map(const struct job *job)
{
	char *pattern = format_text("%s.*", job->copy.map_path);
	glob_t files;
	size_t i;

	unlink(job->copy.map_path);
	if (!glob(pattern, GLOB_NOSORT, NULL, &files)) {
		for (i = 0; i < files.gl_pathc; i++)
			unlink(files.gl_pathv[i]);
		globfree(&files);
	}
	free(pattern);
}

/* The range of a device, NULL if it has none; a member's label is that of its disk. */
static struct segment *find_child(const struct line *line, dev_t dev)
{
	size_t i;

	for (i = 0; i < line->layout.nr; i++)
		if (line->layout.segments[i].dev == dev)
			return &line->layout.segments[i];
	return NULL;
}

/* Print what is lost, as daxlinear damage does. */
static void print_lost(const struct given *given)
{
	struct columns columns = { .align = REPORT_ALIGN };
	const struct device *device;
	struct bads bads = { 0 };
	struct report report;
	struct mapped mapped;
	struct stack stack;
	uint64_t lost = 0;
	char text[SIZE_TEXT_LEN];
	size_t i;

	stack_read(&stack);
	device = dm_find(given->name, &mapped) ? stack_find(&stack, mapped.dev) : NULL;
	if (!device)
		return;
	bads_collect(&bads, &stack, device);
	report_find(&report, device, &bads);
	columns_row(&columns, REPORT_HEAD);
	for (i = 0; i < bads.nr; i++) {
		if (!bads.bads[i].lost)
			continue;
		report_row(&report, &bads.bads[i], &columns);
		lost += bads.bads[i].len_bytes;
	}
	if (!lost) {
		puts("nothing is lost");
		return;
	}
	printf("%s could not be read, and is zeros now:\n", size_text(lost, text));
	columns_print(&columns);
	if (report.unknown)
		note("owners are not known: %s; daxlinear damage %s names the files once it is mounted, and daxlinear repair writes them over from a backup",
		     report.unknown, given->name);
}

/* Print what the mapped device does not use of the new one, and what can use that. */
static void print_rest(const struct job *job)
{
	const struct layout *layout = &job->swap.line.layout;
	const struct given *given = &job->given;
	const struct segment *segment = find_child(&job->swap.line, given->new_dev);
	uint64_t end = (segment->offset_sectors + segment->len_sectors) * SECTOR;
	uint64_t size = block_sectors(given->new_dev) * SECTOR;
	const struct segment *last = &layout->segments[layout->nr - 1];
	char text[SIZE_TEXT_LEN];

	if (job->swap.set)
		size -= LABEL_BACK_BYTES;
	if (size < end + REST_BYTES)
		return;
	printf("%s of %s are unused: ", size_text(size - end, text), given->new);
	if (!job->swap.set)
		printf("daxlinear extend %s %s --offset %ju takes them\n", given->name, given->new,
		       (uintmax_t)end);
	else if (segment == last)
		printf("daxlinear extend %s takes them\n", given->name);
	else
		printf("they stay so, as of the members of %s only the last can grow, %s\n",
		       given->name, block_path(last->dev));
}

/* The new device is part of the mapped one, and so on. */
static int finish(const struct job *job)
{
	const struct given *given = &job->given;

	printf("/dev/mapper/%s: %s is in the place of %s\n", given->name, given->new, given->old);
	print_rest(job);
	if (job->swap.set)
		printf("%s is marked as replaced: daxlinear release %s erases its label\n",
		       given->old, given->old);
	else
		printf("%s has its old content still: wipefs -a %s erases what it is known by\n",
		       given->old, given->old);
	print_lost(given);
	drop_map(job);
	return EXIT_DONE;
}

/* Go on after a run that was cut short when the new device had become part of the mapped one. */
static int go_on(struct job *job, const struct line *line)
{
	const struct member *new = member_find(&job->machine, job->given.new_dev);

	if (new && new->label.was_incoming)
		member_arrived(new);
	if (new)
		job->swap.set = set_find(&job->machine, new->label.set);
	swap_tab(job->given.name, line);
	return finish(job);
}

/* Make the device that a run which was cut short, or a reboot, has left out: of members. */
static void make_device(struct job *job)
{
	const struct set *set = set_given(&job->machine, job->given.name);

	job->given.name = set->name;
	find_map(job);
	if (access(job->copy.map_path, F_OK))
		die(EXIT_FAILED, "there is no device %s: daxlinear assemble %s makes it",
		    set->name, set->name);
	set_assemble(set);
}

/* Find the place of the old child, in the line and in the set. */
static void find_old(struct job *job, dev_t child)
{
	struct line *line = &job->swap.line;
	size_t i, nr = 0;

	job->swap.set = set_of_device(&job->machine, &job->swap.mapped);
	job->segment = find_child(line, child);
	if (!job->segment)
		die(EXIT_FAILED, "%s is no child of %s: daxlinear status %s lists them",
		    job->given.old, job->given.name, job->given.name);
	for (i = 0; i < line->layout.nr; i++)
		nr += line->layout.segments[i].dev == child;
	if (nr > 1)
		die(EXIT_FAILED, "%s has %zu ranges of %s, and replace copies one: lay the device out anew",
		    job->given.name, nr, job->given.old);
	job->old = (struct place){
		.start_bytes = job->segment->start_sectors * SECTOR,
		.len_bytes = job->segment->len_sectors * SECTOR,
		.dev = job->segment->dev,
		.offset_bytes = job->segment->offset_sectors * SECTOR,
	};
	if (job->swap.set)
		job->swap.old = job->swap.set->chain[job->segment - line->layout.segments];
}

/* Whether the start of a device is a copy that an earlier run has made of the other. */
static bool has_copy(const struct job *job, const struct child *new)
{
	char data[2][KIB * 4];
	uint64_t offset[2] = { job->old.offset_bytes, new->offset_sectors * SECTOR };
	dev_t dev[2] = { job->old.dev, new->dev };
	struct map map;
	bool good = map_read(&map, job->copy.map_path, job->old.offset_bytes,
			     job->old.len_bytes) && map.ranges->state == MAP_COPIED;
	size_t i;

	for (i = 0; good && i < 2; i++) {
		char *path = block_path(dev[i]);
		int fd = open(path, O_RDONLY | O_CLOEXEC);

		good = fd >= 0 && pread(fd, data[i], sizeof(data[i]), offset[i]) ==
		       sizeof(data[i]);
		if (fd >= 0)
			close(fd);
		free(path);
	}
	map_free(&map);
	return good && !memcmp(data[0], data[1], sizeof(data[0]));
}

/* Whether an earlier run has labelled the new device for this place. */
static bool is_begun(const struct job *job)
{
	const struct member *new = member_find(&job->machine, job->given.new_dev);

	return job->swap.set && new && new->label.kind == LABEL_INCOMING &&
	       !strcmp(new->label.set, job->swap.set->uuid) &&
	       new->label.number == job->swap.old->label.number;
}

/* Check the new device, and find the range of it that is used. */
static void open_new(struct job *job)
{
	struct children *children = &job->children;
	char text[2][SIZE_TEXT_LEN];
	struct child *new, probe;
	uint64_t room, rest;
	const char *bad;

	if (find_child(&job->swap.line, job->given.new_dev))
		die(EXIT_FAILED, "%s is a child of %s already: give a device that is free",
		    job->given.new, job->given.name);
	children_add(children, job->given.new);
	new = children->children;
	if (job->swap.set)
		children_label(children);
	children->own = job->given.name;
	children_refuse_mounted(children);
	if (is_begun(job))
		new->may_overwrite = true;
	else
		children_refuse_members(children, &job->machine,
					job->swap.set ? job->swap.set->uuid : NULL);
	new->may_overwrite |= job->given.force;
	if (!job->swap.set && !new->may_overwrite) {
		probe = *new;
		child_open(&probe);
		probe.offset_sectors = huge_pad_sectors(probe.dev);
		new->may_overwrite = has_copy(job, &probe);
		close(probe.fd);
	}
	children_open(children, &job->stack);
	room = new->len_sectors * SECTOR;
	if (room < job->old.len_bytes)
		die(EXIT_FAILED, "%s has room for %s, and %s of %s are used: give a larger device",
		    job->given.new, size_text(room, text[0]),
		    size_text(job->old.len_bytes, text[1]), job->given.old);
	rest = room - job->old.len_bytes;
	if (rest >= REST_BYTES && !job->given.to_larger)
		die(EXIT_FAILED, "%s would have %s left that %s does not use: give a device of the size of %s, or --to-larger: %s",
		    job->given.new, size_text(rest, text[0]), job->given.name, job->given.old,
		    !job->swap.set || job->swap.old->label.is_last ?
		    "daxlinear extend can take the rest then" :
		    "the rest stays unused, as only the last member can grow");
	if (block_sector_bytes(new->dev) > block_sector_bytes(job->swap.mapped.dev))
		die(EXIT_FAILED, "%s has sectors of %u bytes, and what is on %s may use those of %u: give a device with such sectors",
		    job->given.new, block_sector_bytes(new->dev), job->given.name,
		    block_sector_bytes(job->swap.mapped.dev));
	new->len_sectors = job->old.len_bytes / SECTOR;
	job->new = (struct place){
		.start_bytes = job->old.start_bytes, .len_bytes = job->old.len_bytes,
		.dev = new->dev, .offset_bytes = new->offset_sectors * SECTOR,
	};
	bad = lost_is_bad(&job->new);
	if (bad)
		die(EXIT_FAILED, "%s is bad itself, %s: give another device", job->given.new, bad);
	close(new->fd);
	job->swap.new = new;
}

/* Put the new child into the line. */
static void put_new(const struct job *job)
{
	job->segment->dev = job->new.dev;
	job->segment->offset_sectors = job->new.offset_bytes / SECTOR;
}

/* Have the kernel look at the new table before anything is written. */
static void try_table(struct job *job)
{
	struct table table;

	put_new(job);
	table = line_table(&job->swap.line);
	change_try(&job->swap.mapped, &table);
	table_free(&table);
}

/* Whether the new device still has the label that this run or an earlier one has written. */
static bool has_label(const struct job *job)
{
	const struct member *new = member_find(&job->machine, job->given.new_dev);

	return is_begun(job) && new->label.joined == job->swap.tag &&
	       new->label.offset_bytes == job->new.offset_bytes &&
	       new->label.len_bytes == job->new.len_bytes;
}

/* Label the new device, which keeps others from using it until the copy is done. */
static void label_new(struct job *job)
{
	const struct member *new = member_find(&job->machine, job->given.new_dev);

	if (is_begun(job))
		job->swap.tag = new->label.joined;
	if (has_label(job))
		return;
	job->swap.tag = member_tag();
	hold_signals();
	member_incoming(job->swap.new, &job->swap.old->label, job->swap.tag);
	let_signals();
}

/* Keep other commands away from what is used while the lock is not held. */
static void claim(const struct job *job)
{
	const struct given *given = &job->given;
	char *what = format_text("daxlinear replace %s %s %s", given->name, given->old, given->new);

	claim_refuse(job->old.dev, given->old);
	claim_take(job->swap.mapped.dev, what);
	claim_take(job->old.dev, what);
	claim_take(job->new.dev, what);
	free(what);
}

/* Check all again that may have changed while the lock was not held, and put the new child in. */
static void check_again(struct job *job)
{
	const struct given *given = &job->given;
	struct job now = *job;
	const char *changed = given->name, *bad;

	machine_read(&now.machine);
	if (dm_find(given->name, &now.swap.mapped) &&
	    now.swap.mapped.dev == job->swap.mapped.dev) {
		change_read(&now.swap.line, &now.swap.mapped);
		now.table = line_table(&now.swap.line);
		if (!strcmp(now.table.targets->params, job->table.targets->params) &&
		    table_end(&now.table) == table_end(&job->table))
			changed = NULL;
	}
	if (!changed)
		find_old(&now, job->old.dev);
	if (!changed && !now.swap.set != !job->swap.set)
		changed = given->old;
	if (!changed && now.swap.set && !has_label(&now))
		changed = given->new;
	if (changed)
		die(EXIT_FAILED, "%s was changed during the copy: %s is as it was; the same command goes on",
		    changed, given->name);
	bad = lost_is_bad(&job->new);
	if (bad)
		die(EXIT_FAILED, "%s has become bad itself, %s: %s is as it was; give another device",
		    given->new, bad, given->name);
	*job = now;
	put_new(job);
}

/* Exit because ddrescue could not copy: it has printed the reason. */
static void fails(const struct job *job)
{
	const struct given *given = &job->given;
	const char *bad = lost_is_bad(&job->new);

	if (bad)
		die(EXIT_FAILED, "%s has become bad itself, %s: %s is as it was; give another device",
		    given->new, bad, given->name);
	die(EXIT_FAILED, "ddrescue could not copy %s to %s: %s is as it was; the same command goes on where it ended, and if %s fails again, give another device",
	    given->old, given->new, given->name, given->new);
}

/*
 * Copy the child while nothing else can use the device or the new child, and without the lock of
 * changes: it takes hours.
 */
static void copy(struct job *job)
{
	struct swap *swap = &job->swap;
	uint64_t written, before;
	int device, new;

	device = exclusive_open(&swap->mapped, &job->stack);
	claim(job);
	if (swap->set)
		label_new(job);
	new = open(job->given.new, O_RDONLY | O_EXCL | O_CLOEXEC);
	if (new < 0)
		die(EXIT_FAILED, "%s: %s", job->given.new, strerror(errno));
	job->copy.from = (struct range_end){
		block_path(job->old.dev), job->old.offset_bytes, block_sector_bytes(job->old.dev),
	};
	job->copy.to = (struct range_end){
		block_path(job->new.dev), job->new.offset_bytes, block_sector_bytes(job->new.dev),
	};
	job->copy.len_bytes = job->old.len_bytes;
	lost_find_bad(&job->copy, &job->bads, &job->old);
	written = exclusive_check(&swap->mapped, device);
	do {
		before = written;
		unlock_changes();
		if (!copy_run(&job->copy))
			fails(job);
		copy_compare(&job->copy);
		lock_changes();
		written = exclusive_check(&swap->mapped, device);
		if (written != before)
			note("%s was written to during the copy: comparing again",
			     job->given.name);
	} while (written != before);
	check_again(job);
	lost_note(&job->copy, &job->bads, &job->old, &job->new);
	close(new);
	close(device);
}

static void refuse_lvms(const struct mapped *mapped)
{
	if (dm_is_lvms(mapped))
		die(EXIT_FAILED, "%s is a logical volume: vgchange -an its group, ddrescue --idirect --force OLD NEW, wipefs -a OLD and vgchange -ay replace a disk of it",
		    mapped->name);
}

static int run(int argc, char **argv)
{
	struct job job = { 0 };
	struct given *given = &job.given;
	struct mapped *mapped = &job.swap.mapped;
	const struct device *device;
	dev_t child;

	read_words(argc, argv, given);
	dm_begin();
	lock_changes();
	given->old_dev = device_of(given->old);
	given->new_dev = device_of(given->new);
	if (given->old_dev == given->new_dev)
		usage("%s and %s are the same device", given->old, given->new);
	machine_read(&job.machine);
	/* One without a table is left of an attempt to make it that was cut short. */
	if (!strchr(given->name, '/') && (!dm_find(given->name, mapped) || !mapped->live))
		make_device(&job);
	*mapped = dm_device(given->name);
	refuse_lvms(mapped);
	given->name = mapped->name;
	find_map(&job);
	change_read(&job.swap.line, mapped);
	if (mapped->inactive)
		dm_clear(mapped->name);
	job.table = line_table(&job.swap.line);
	child = find_child(&job.swap.line, given->old_dev) ? given->old_dev :
		block_disk(given->old_dev);
	if (!find_child(&job.swap.line, child) && find_child(&job.swap.line, given->new_dev) &&
	    !access(job.copy.map_path, F_OK))
		return go_on(&job, &job.swap.line);
	find_old(&job, child);
	stack_read(&job.stack);
	/* It is in use: the kernel would refuse the new table for another reason. */
	close(exclusive_open(mapped, &job.stack));
	open_new(&job);
	device = stack_find(&job.stack, mapped->dev);
	if (!device)
		die(EXIT_FAILED, "%s was removed just now", given->name);
	bads_collect(&job.bads, &job.stack, device);
	try_table(&job);
	copy(&job);
	if (job.swap.set)
		swap_members(&job.swap);
	else
		swap_children(&job.swap);
	return finish(&job);
}

const struct command command_replace = {
	.name = "replace",
	.arguments = "[--force] [--to-larger] NAME OLD NEW",
	.what = "Copy a child to another device, which takes its place",
	.help =
"The device must not be mounted. OLD is a child of it. All of OLD that can be read is\n"
"copied to NEW by ddrescue(1), without reading what is known to be bad. If the command\n"
"is killed, or the machine reboots, the same command goes on. At the end it lists what\n"
"could not be copied, as daxlinear damage does. OLD is marked as replaced, if it has a\n"
"label, and never used for this device again; daxlinear release frees it.\n\n"
"  --force      use a NEW that holds a filesystem, a partition table or the like\n"
"  --to-larger  use a NEW that is larger; what is left of it stays unused until extend\n"
"               takes it, which can be done for the last child, and without labels for\n"
"               each\n",
	.run = run,
};
