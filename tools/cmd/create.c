// SPDX-License-Identifier: GPL-2.0
/* daxlinear create: makes a device. */
#include <stdio.h>

#include "boot/tab_file.h"
#include "device/change.h"
#include "cmd/child_options.h"
#include "cmd/command.h"
#include "device/dm.h"
#include "device/lock.h"
#include "device/name.h"
#include "member/disks.h"
#include "member/edit.h"
#include "util/alloc.h"
#include "util/say.h"
#include "util/size.h"

static const struct option options[] = {
	{ "dry-run", no_argument, NULL, 'n' },
	{ "force", no_argument, NULL, 'f' },
	{ "granule", required_argument, NULL, 'g' },
	{ "len", required_argument, NULL, 'l' },
	{ "no-label", no_argument, NULL, 'L' },
	{ "offset", required_argument, NULL, 'o' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

static void print_command(const char *name, const char *uuid, const struct table *table)
{
	printf("dmsetup create %s --uuid " UUID_PREFIX "%s <<END\n", name, uuid);
	table_write(table, stdout);
	puts("END");
}

/* How the table for the boot makes this device, with what is on it; NULL if it has no line. */
static char *tab_hint(const char *name)
{
	unsigned int line = tab_line_at_boot(name);

	return line ? format_text("daxlinear tab --make %s makes it by line %u of " TAB ", with what is on it; ",
				  name, line) : NULL;
}

/* Refuse what a label cannot describe, or would overwrite. */
static void begin_labels(struct children *children, const char *name)
{
	const char *wrong = label_name_check(name);

	if (wrong)
		usage("\"%s\" %s: choose a shorter name, or say --no-label", name, wrong);
	if (children->force)
		usage("--force keeps what is on a DEV, and a label overwrites it: say --no-label, too");
	children_label(children);
}

static void make(const struct children *children, const char *name, const char *uuid,
		 const struct table *table)
{
	hold_signals();
	if (children->front_bytes)
		set_make(children, name, uuid);
	change_create(name, uuid, table);
	set_keep();
	let_signals();
}

static int run(int argc, char **argv)
{
	struct children children = { 0 };
	char text[SIZE_TEXT_LEN], uuid[UUID_LEN + 1];
	struct line line = { .align = ALIGN };
	struct table table;
	const char *name = NULL, *wrong;
	bool dry_run = false, label = true;
	struct machine machine;
	struct stack stack;
	int option;

	while ((option = next_option(argc, argv, options)) != -1) {
		switch (option) {
		case ARGUMENT:
			if (name)
				children_add(&children, optarg);
			else
				name = optarg;
			break;
		case 'n':
			dry_run = true;
			break;
		case 'L':
			label = false;
			break;
		default:
			children_option(&children, option, optarg);
		}
	}
	if (!name || !children.nr)
		usage("give a NAME and one DEV at least");
	wrong = name_check(name);
	if (wrong)
		usage("\"%s\" %s", name, wrong);
	if (label)
		begin_labels(&children, name);

	dm_begin();
	/* The lock keeps the children free from the checks until the table holds them. */
	if (!dry_run)
		change_begin(name);
	children.new_hint = tab_hint(name);
	stack_read(&stack);
	children_refuse_mounted(&children);
	machine_read(&machine);
	children_refuse_members(&children, &machine, NULL);
	children_open(&children, &stack);
	children_trim(&children);
	children_line(&children, &stack, &line);
	table = line_table(&line);
	set_uuid_new(uuid);
	if (dry_run) {
		if (label)
			set_print(&children, name, uuid);
		print_command(name, uuid, &table);
		return EXIT_DONE;
	}
	make(&children, name, uuid, &table);
	printf("/dev/mapper/%s: %s\n", name, size_text(table_end(&table) * SECTOR, text));
	children_print(&children, 0);
	return EXIT_DONE;
}

const struct command command_create = {
	.name = "create",
	.arguments = "[OPTION...] NAME DEV [--offset SIZE] [--len SIZE] [DEV ...]",
	.what = "Make a device that joins others, one after the other",
	.help =
"Each DEV is persistent memory in fsdax mode; without a label, it may be a partition\n"
"of it, or another mapped device with DAX. What is used of each is a multiple of a\n"
"granule, so that XFS can have its allocation groups end where the children do. The\n"
"table is one line. Each DEV gets a label, of which daxlinear assemble makes the\n"
"device again.\n\n"
"  --offset SIZE   use the DEV before this from here on\n"
"  --len SIZE      use at most so much of the DEV before this\n"
"  --granule SIZE  the granule; otherwise the largest of 128M to 1G that wastes less\n"
"                  than a 64th of each DEV\n"
"  --no-label      write nothing on a DEV, and use it from its start on\n"
"  --force         with --no-label: use a DEV that holds a filesystem, a partition\n"
"                  table, an LVM label or the like, or that another mapped device uses\n"
"  --dry-run       print the commands that would do it, and do nothing\n",
	.run = run,
};
