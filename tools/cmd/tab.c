// SPDX-License-Identifier: GPL-2.0
/* daxlinear tab: the devices that are made at boot. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util/alloc.h"
#include "device/change.h"
#include "device/child.h"
#include "cmd/command.h"
#include "device/dm.h"
#include "sys/blkid.h"
#include "sys/nd.h"
#include "util/say.h"
#include "util/size.h"
#include "sys/sysfs.h"
#include "boot/unit.h"

static const struct option options[] = {
	{ "file", required_argument, NULL, 'F' },
	{ "make", required_argument, NULL, 'm' },
	{ "print", required_argument, NULL, 'p' },
	{ "units", required_argument, NULL, 'u' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

/* Read the file. Mistakes are told, and what has none counts. */
static void read_tab(struct tab *tab, const char *path)
{
	char *text = read_text("%s", path), *wrong, *rest, *line;

	*tab = (struct tab){ 0 };
	if (!text && errno != ENOENT)
		die(EXIT_FAILED, "%s: %s", path, strerror(errno));
	wrong = text ? tab_parse(tab, text) : NULL;
	rest = wrong;
	while ((line = strsep(&rest, "\n")))
		note("%s, %s", path, line);
	free(wrong);
	free(text);
}

/* A name for a child that is the same after a reboot. */
static char *lasting_name(dev_t dev)
{
	char *name = block_name(dev), *path = block_path(dev), *uuid;
	struct pmem pmem;

	if (!strncmp(path, "/dev/mapper/", 12))
		return path;
	if (nd_find(name, &pmem) && pmem.uuid[0])
		return format_text("uuid=%s", pmem.uuid);
	uuid = partition_uuid(path);
	if (!uuid)
		die(EXIT_FAILED, "%s has no UUID that is the same after a reboot", path);
	return format_text("partuuid=%s", uuid);
}

static int print(const char *name)
{
	struct mapped mapped = dm_device(name);
	struct layout layout = { 0 };
	struct table table;
	size_t i;

	if (!dm_table(mapped.name, &table) || !table.nr)
		die(EXIT_FAILED, "%s has no table", name);
	layout_read(&layout, &table);
	for (i = 0; i < layout.nr; i++)
		if (!layout.segments[i].dev)
			die(EXIT_FAILED, "%s has a target \"%s\", which " TAB " knows nothing of",
			    name, table.targets[layout.segments[i].target].type);
	/* All the names, before the first word of a line that may have to end there. */
	for (i = 0; i < layout.nr; i++)
		lasting_name(layout.segments[i].dev);
	printf("%s", mapped.name);
	for (i = 0; i < layout.nr; i++) {
		const struct segment *segment = &layout.segments[i];

		printf(" %s", lasting_name(segment->dev));
		if (segment->offset_sectors)
			printf(",offset=%ju", (uintmax_t)(segment->offset_sectors * SECTOR));
		printf(",len=%ju", (uintmax_t)(segment->len_sectors * SECTOR));
	}
	putchar('\n');
	return EXIT_DONE;
}

static char *child_path(const struct tab_child *child)
{
	char *disk, *path;

	if (strncmp(child->what, "uuid=", 5))
		return unit_child_path(child);
	disk = nd_find_uuid(child->what + 5);
	if (!disk)
		die(EXIT_FAILED, "%s is missing: there is no namespace with this UUID",
		    child->what);
	path = format_text("/dev/%s", disk);
	free(disk);
	return path;
}

static int make(const struct tab *tab, const char *name)
{
	const struct tab_entry *entry = tab_find(tab, name);
	struct children children = { .known = true };
	struct line line = { .align_2m = true };
	struct table table;
	struct stack stack;
	size_t i;

	if (!entry)
		die(EXIT_FAILED, "there is no line for %s", name);
	for (i = 0; i < entry->nr; i++)
		children_add_range(&children, child_path(&entry->children[i]),
				   entry->children[i].offset_bytes, entry->children[i].len_bytes);
	change_begin(name);
	stack_read(&stack);
	children_open(&children, &stack);
	children_line(&children, &stack, &line);
	table = line_table(&line);
	change_create(name, &table);
	return EXIT_DONE;
}

static int run(int argc, char **argv)
{
	const char *name = NULL, *folder = NULL, *path = TAB;
	struct tab tab;
	int what = 0, option;

	while ((option = next_option(argc, argv, options)) != -1) {
		if (option == ARGUMENT)
			usage("\"%s\" is one word too many", optarg);
		if (option == 'F') {
			path = optarg;
			continue;
		}
		if (what)
			usage("one of --print, --make and --units, please");
		what = option;
		if (option == 'u')
			folder = optarg;
		else
			name = optarg;
	}
	if (!what)
		usage("give --print, --make or --units");

	if (what == 'u') {
		read_tab(&tab, path);
		units_write(&tab, folder);
		return EXIT_DONE;
	}
	dm_begin();
	if (what == 'p')
		return print(name);
	read_tab(&tab, path);
	return make(&tab, name);
}

const struct command command_tab = {
	.name = "tab",
	.arguments = "[--file FILE] --print NAME | --make NAME | --units DIR",
	.what = "Look after " TAB ", the devices that are made at boot",
	.help =
"Each line of the file has the name of a device, and its children in their order:\n\n"
"    NAME uuid=UUID,len=SIZE[,offset=SIZE] ...\n\n"
"where UUID is that of a namespace. partuuid=UUID and a path will do as well. All after\n"
"a # is a comment.\n\n"
"  --print NAME  print the line of a device that there is\n"
"  --make NAME   make the device of this line\n"
"  --units DIR   write systemd's units for all lines, as its generator does\n"
"  --file FILE   another file\n",
	.run = run,
};
