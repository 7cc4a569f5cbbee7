// SPDX-License-Identifier: GPL-2.0
/* daxlinear extend: makes a device longer, and the filesystem on it. */
#include <stdio.h>
#include <string.h>

#include "util/alloc.h"
#include "device/change.h"
#include "cmd/child_options.h"
#include "cmd/command.h"
#include "device/dm.h"
#include "device/lock.h"
#include "fs/mounts.h"
#include "util/run.h"
#include "util/say.h"
#include "util/size.h"
#include "sys/sysfs.h"
#include "fs/xfs.h"

static const struct option options[] = {
	{ "dry-run", no_argument, NULL, 'n' },
	{ "force", no_argument, NULL, 'f' },
	{ "granule", required_argument, NULL, 'g' },
	{ "len", required_argument, NULL, 'l' },
	{ "no-growfs", no_argument, NULL, 'G' },
	{ "offset", required_argument, NULL, 'o' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

/* What is on the device. */
struct content {
	bool mounted, is_xfs;
	struct mount mount;
	struct xfs xfs;
};

static void look_at_content(struct content *content, const struct mapped *mapped)
{
	char *path = block_path(mapped->dev);

	content->mounted = mount_find(mapped->dev, &content->mount);
	content->is_xfs = (!content->mounted || !strcmp(content->mount.type, "xfs")) &&
			  xfs_read(path, content->mount.folder, &content->xfs);
	free(path);
}

/* Trim to whole allocation groups of what is there, or as for a new device. */
static void pick_granule(struct children *children, const struct content *content,
			 uint64_t end_bytes)
{
	if (children->granule_bytes)
		return;
	if (content->is_xfs) {
		children->granule_bytes = content->xfs.ag_bytes;
		return;
	}
	children->granule_bytes = children_granule(children);
	while (end_bytes % children->granule_bytes)
		children->granule_bytes /= 2;
}

/* Grow the filesystem; it must not stay smaller than its device: 6.1 and 6.12 oops if what fails
 * is past its end.
 */
static int grow_filesystem(const struct mapped *mapped, const struct content *content, bool may)
{
	struct words words = { 0 };

	if (!content->is_xfs && !content->mounted)
		return EXIT_DONE;
	if (!content->is_xfs) {
		note("%s on %s has its old size: grow it by its own means", content->mount.type,
		     content->mount.folder);
		return EXIT_DONE;
	}
	words_add(&words, "xfs_growfs");
	words_add(&words, "%s", content->mounted ? content->mount.folder : "MOUNTPOINT");
	if (!content->mounted || !may) {
		note("XFS has its old size%s; now run:",
		     content->mounted ? "" : " and is not mounted: mount it");
		words_print(&words);
		return EXIT_DONE;
	}
	if (run_program(&words))
		return EXIT_DONE;
	note("%s has its new size, and XFS on %s its old one: run xfs_growfs again", mapped->name,
	     content->mount.folder);
	return EXIT_FAILED;
}

static int run(int argc, char **argv)
{
	struct children children = { 0 };
	struct content content = { 0 };
	char text[SIZE_TEXT_LEN];
	const char *name = NULL;
	bool dry_run = false, may_grow = true;
	struct mapped mapped;
	struct stack stack;
	struct table table;
	struct line line;
	uint64_t end;
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
		case 'G':
			may_grow = false;
			break;
		default:
			children_option(&children, option, optarg);
		}
	}
	if (!name || !children.nr)
		usage("give a NAME and one DEV at least");

	dm_begin();
	if (!dry_run)
		lock_changes();
	mapped = dm_device(name);
	change_read(&line, &mapped);
	end = line_end(&line);
	look_at_content(&content, &mapped);
	stack_read(&stack);
	/* One that was killed in the middle may have left a table that holds the children. */
	if (!dry_run && mapped.inactive)
		dm_clear(mapped.name);
	children_open(&children, &stack);
	pick_granule(&children, &content, end * SECTOR);
	children_trim(&children);
	children_line(&children, &stack, &line);
	table = line_table(&line);
	if (dry_run) {
		change_print(&mapped, &table);
		return EXIT_DONE;
	}
	change_table(&mapped, &table);
	printf("/dev/mapper/%s: %s\n", mapped.name, size_text(table_end(&table) * SECTOR, text));
	children_tell(&children, end);
	return grow_filesystem(&mapped, &content, may_grow);
}

const struct command command_extend = {
	.name = "extend",
	.arguments = "[OPTION...] NAME DEV [--offset SIZE] [--len SIZE] [DEV ...]",
	.what = "Make a device longer while it is in use, and the XFS on it",
	.help =
"Adds each DEV to the end, as create does; a mounted XFS is grown by xfs_growfs. The\n"
"table is one line then, also if it had several.\n\n"
"  --offset SIZE   use the DEV before this from here on\n"
"  --len SIZE      use at most so much of the DEV before this\n"
"  --granule SIZE  what to trim each DEV to a multiple of; otherwise XFS's allocation\n"
"                  groups if there is one, or as create does\n"
"  --force         use a DEV all the same that create would refuse\n"
"  --no-growfs     leave the XFS as it is, and print the command that grows it\n"
"  --dry-run       print the dmsetup commands that would do it, and do nothing\n",
	.run = run,
};
