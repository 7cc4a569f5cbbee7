// SPDX-License-Identifier: GPL-2.0
/* daxlinear tab: maintain the table of devices that are made at boot. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "boot/tab_device.h"
#include "boot/tab_file.h"
#include "boot/unit.h"
#include "cmd/child_options.h"
#include "cmd/command.h"
#include "cmd/set_device.h"
#include "cmd/sets.h"
#include "device/change.h"
#include "device/dm.h"
#include "device/lock.h"
#include "fs/xfs.h"
#include "member/disks.h"
#include "util/say.h"
#include "util/size.h"

static const struct option options[] = {
	{ "file", required_argument, NULL, 'F' },
	{ "make", required_argument, NULL, 'm' },
	{ "print", required_argument, NULL, 'p' },
	{ "update", required_argument, NULL, 'U' },
	{ "units", required_argument, NULL, 'u' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

/* Report all lines that make no device. */
static void note_mistakes(const struct tab_file *file)
{
	size_t i;

	for (i = 0; i < file->tab.nr_mistakes; i++)
		note("%s, line %u: %s", file->path, file->tab.mistakes[i].line,
		     file->tab.mistakes[i].text);
}

/* Read the ranges of a device.  Refuse targets that a line cannot describe. */
static void read_device(struct layout *layout, const struct mapped *mapped)
{
	const struct segment *unknown;
	struct table table;

	*layout = (struct layout){ 0 };
	if (dm_is_lvms(mapped))
		die(EXIT_FAILED, "%s is a volume of LVM's, which activates it at boot: it needs no line in %s",
		    mapped->name, TAB);
	if (!dm_table(mapped->name, &table) || !table.nr)
		die(EXIT_FAILED, "%s has no table", mapped->name);
	layout_read(layout, &table);
	unknown = layout_unknown(layout);
	if (unknown)
		die(EXIT_FAILED, "%s has a target \"%s\", which a line of " TAB " cannot describe",
		    mapped->name, table.targets[unknown->target].type);
	table_free(&table);
}

static int print(const char *name)
{
	struct mapped mapped = dm_device(name);
	struct layout layout;

	read_device(&layout, &mapped);
	puts(tab_line(mapped.name, &layout));
	return EXIT_DONE;
}

/* Find the line of a device, which has to exist. */
static const struct tab_entry *find_entry(const struct tab_file *file, const char *name)
{
	const struct tab_entry *entry = tab_entry(file, name);

	if (!entry)
		die(EXIT_FAILED, "%s has no line for %s: daxlinear tab --print %s >>%s adds one",
		    file->path, name, name, file->path);
	return entry;
}

/* Replace the line of a device by one that describes it as it is now. */
static int update(const char *path, const char *name)
{
	struct mapped mapped = dm_device(name);
	const struct tab_entry *entry;
	struct tab_file file;
	struct layout layout;

	lock_changes();
	tab_read(&file, path);
	read_device(&layout, &mapped);
	entry = find_entry(&file, mapped.name);
	if (tab_fits(entry, &layout)) {
		printf("line %u of %s makes %s as it is\n", entry->line, path, mapped.name);
		return EXIT_DONE;
	}
	hold_signals();
	tab_prepare(&file, entry->line, tab_line(mapped.name, &layout));
	if (!tab_commit())
		die(EXIT_FAILED, "%s: %s", path, strerror(errno));
	let_signals();
	printf("line %u of %s is up to date\n", entry->line, path);
	return EXIT_DONE;
}

/* Refuse a line from before an extend: its device is too short to mount the XFS. */
static void refuse_short(const struct tab_file *file, const struct tab_entry *entry,
			 const struct child *first)
{
	char text[2][SIZE_TEXT_LEN];
	struct xfs xfs;

	if (!xfs_read_at(first->given, first->offset_sectors * SECTOR, &xfs) ||
	    xfs.size_bytes <= tab_bytes(entry))
		return;
	die(EXIT_FAILED, "%s has an XFS of %s, and line %u of %s makes a device of %s: the line lacks children that were added later; make %s of all of them by daxlinear create --force, then run daxlinear tab --update %s",
	    entry->name, size_text(xfs.size_bytes, text[0]), entry->line, file->path,
	    size_text(tab_bytes(entry), text[1]), entry->name, entry->name);
}

/* The UUID of the set that a device of this line is, or a new one. */
static void pick_uuid(char *uuid, const struct line *line)
{
	const struct set *set;
	struct machine machine;

	machine_read(&machine);
	set = set_of_layout(&machine, &line->layout);
	if (set)
		snprintf(uuid, UUID_LEN + 1, "%s", set->uuid);
	else
		set_uuid_new(uuid);
	machine_free(&machine);
}

/* Make the device of a set.  A mount by the name in the line would wait for another name. */
static int make_set(const struct tab_file *file, const struct tab_entry *entry)
{
	const struct set *set;
	struct machine machine;

	lock_changes();
	machine_read(&machine);
	set = set_given(&machine, entry->set);
	if (strcmp(set->name, entry->name))
		die(EXIT_FAILED, "line %u of %s names the set %s, but the name of its device is %s: correct the line, or run daxlinear rename %s %s",
		    entry->line, file->path, entry->name, set->name, entry->set, entry->name);
	return set_assemble(set);
}

static int make(const char *path, const char *name)
{
	char uuid[UUID_LEN + 1];
	struct children children = { .known = true };
	struct line line = { .align = ALIGN };
	const struct tab_entry *entry;
	struct tab_file file;
	struct table table;
	struct stack stack;
	char *child;
	size_t i;

	tab_read(&file, path);
	entry = find_entry(&file, name);
	if (entry->set)
		return make_set(&file, entry);
	for (i = 0; i < entry->nr; i++) {
		child = tab_child_path(&entry->children[i]);
		if (!child)
			die(EXIT_FAILED, "%s is missing: there is no namespace with this UUID",
			    entry->children[i].what);
		children_add_range(&children, child, entry->children[i].offset_bytes,
				   entry->children[i].len_bytes);
	}
	change_begin(name);
	stack_read(&stack);
	children_refuse_mounted(&children);
	children_open(&children, &stack);
	refuse_short(&file, entry, children.children);
	children_line(&children, &stack, &line);
	table = line_table(&line);
	pick_uuid(uuid, &line);
	change_create(name, uuid, &table);
	return EXIT_DONE;
}

static int run(int argc, char **argv)
{
	const char *name = NULL, *folder = NULL, *path = TAB;
	struct tab_file file;
	int what = 0, option;

	while ((option = next_option(argc, argv, options)) != -1) {
		if (option == ARGUMENT)
			usage("\"%s\" is one word too many", optarg);
		if (option == 'F') {
			path = optarg;
			continue;
		}
		if (what)
			usage("give only one of --print, --update, --make and --units");
		what = option;
		if (option == 'u')
			folder = optarg;
		else
			name = optarg;
	}
	if (!what)
		usage("give --print, --update, --make or --units");

	if (what == 'u') {
		tab_read(&file, path);
		note_mistakes(&file);
		units_write(&file.tab, folder);
		return EXIT_DONE;
	}
	dm_begin();
	if (what == 'p')
		return print(name);
	return what == 'U' ? update(path, name) : make(path, name);
}

const struct command command_tab = {
	.name = "tab",
	.arguments = "[--file FILE] --print NAME | --update NAME | --make NAME | --units DIR",
	.what = "Maintain " TAB ", the devices that are made at boot",
	.help =
"Each line of the file has the name of a device, and its children in their order:\n\n"
"    NAME uuid=UUID,len=SIZE[,offset=SIZE] ...\n\n"
"where UUID is that of a namespace. partuuid=UUID or a path is possible as well. A #\n"
"starts a comment. A line NAME set=UUID is for the members of a set, which are made a\n"
"device without a line, too.\n\n"
"  --print NAME   print the line of a live device\n"
"  --update NAME  rewrite the line of a live device, as it is now\n"
"  --make NAME    make the device of this line\n"
"  --units DIR    write systemd's units for all lines, as its generator does\n"
"  --file FILE    another file\n",
	.run = run,
};
