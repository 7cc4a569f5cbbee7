// SPDX-License-Identifier: GPL-2.0
/* daxlinear extend: makes a device longer, and then the filesystem on it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/param.h>

#include "boot/tab_device.h"
#include "boot/tab_file.h"
#include "util/alloc.h"
#include "device/change.h"
#include "cmd/child_options.h"
#include "cmd/command.h"
#include "cmd/sets.h"
#include "device/dm.h"
#include "device/lock.h"
#include "fs/mounts.h"
#include "member/edit.h"
#include "util/run.h"
#include "util/say.h"
#include "util/size.h"
#include "sys/pages.h"
#include "sys/sysfs.h"
#include "fs/xfs.h"

static const struct option options[] = {
	{ "dry-run", no_argument, NULL, 'n' },
	{ "force", no_argument, NULL, 'f' },
	{ "granule", required_argument, NULL, 'g' },
	{ "len", required_argument, NULL, 'l' },
	{ "no-growfs", no_argument, NULL, 'G' },
	{ "no-tab", no_argument, NULL, 'T' },
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

/* Trim to whole allocation groups of an existing XFS, or else as for a new device. */
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

/* The line that makes the device at boot, and its replacement; all zero if there is none. */
struct boot {
	struct tab_file file;
	const struct tab_entry *entry;
	char *text;
};

/* What is extended, by what. */
struct extension {
	struct mapped mapped;
	struct children children;
	struct content content;
	struct boot boot;
	const struct set *set;	/* NULL for a device without labels */
	const struct member *last;	/* whose disk has more for it, if no DEV is given */
	struct table table;
	uint64_t old_sectors;
	bool may_grow;
};

static void boot_find(struct boot *boot, const struct mapped *mapped, const struct line *line)
{
	tab_read(&boot->file, TAB);
	boot->entry = tab_entry(&boot->file, mapped->name);
	/* The members of a set are what they say themselves. */
	if (boot->entry && boot->entry->set)
		boot->entry = NULL;
	if (boot->entry)
		boot->text = tab_line(mapped->name, &line->layout);
}

/*
 * A filesystem that is smaller than its device crashes 6.1 and 6.12 if a page fails
 * past its end, and XFS grows only while it is mounted.
 */
static void refuse_unmounted(const struct extension *extension)
{
	if (extension->content.is_xfs && !extension->content.mounted)
		die(EXIT_FAILED, "%s has an XFS that is not mounted, and only a mounted one can be grown: mount it first; --no-growfs leaves its size as it is, and Linux 6.1 and 6.12 crash if a page fails past its end",
		    extension->mapped.name);
}

/* Return what an extend that was killed after the change of the table has left to do, or NULL. */
static char *unfinished(const struct extension *extension)
{
	const struct content *content = &extension->content;
	uint64_t end_bytes = extension->old_sectors * SECTOR;
	char text[2][SIZE_TEXT_LEN], *update, *why;

	/* XFS does not use a rest that is too small for an allocation group. */
	if (!content->is_xfs || content->xfs.size_bytes + MIB > end_bytes)
		return NULL;
	update = tab_check(&extension->mapped, &why) ? copy_text("") :
		 format_text("daxlinear tab --update %s, then ", extension->mapped.name);
	return format_text(", and XFS uses %s of %s: run %sxfs_growfs %s",
			   size_text(content->xfs.size_bytes, text[0]),
			   size_text(end_bytes, text[1]), update,
			   content->mounted ? content->mount.folder : "where it is mounted");
}

/* Run xfs_growfs, or print the command. */
static int grow_filesystem(const struct mapped *mapped, const struct content *content, bool may)
{
	struct words words = { 0 };

	if (!content->is_xfs && !content->mounted)
		return EXIT_DONE;
	if (!content->is_xfs) {
		note("%s on %s keeps its old size: grow it by its own means", content->mount.type,
		     content->mount.folder);
		return EXIT_DONE;
	}
	words_add(&words, "xfs_growfs");
	words_add(&words, "%s", content->mounted ? content->mount.folder : "MOUNTPOINT");
	if (!may) {
		note("XFS has its old size%s; now run:",
		     content->mounted ? "" : " and is not mounted: mount it");
		words_print(&words);
		return EXIT_DONE;
	}
	if (run_program(&words))
		return EXIT_DONE;
	note("%s has its new size, and XFS on %s its old one: run xfs_growfs %s", mapped->name,
	     content->mount.folder, content->mount.folder);
	return EXIT_FAILED;
}

/*
 * The labels of new members, the table, the label that makes them part of the set, the line for
 * the boot, the XFS: in this order, the next boot makes no device that is shorter than the XFS,
 * wherever a kill or a crash ends this.  Other signals wait for the end.
 */
static int carry_out(const struct extension *extension)
{
	const struct mapped *mapped = &extension->mapped;
	const struct child *grown = extension->children.children;
	const struct boot *boot = &extension->boot;
	char text[SIZE_TEXT_LEN], *why;
	int code;

	hold_signals();
	if (boot->entry)
		tab_prepare(&boot->file, boot->entry->line, boot->text);
	if (extension->set && !extension->last)
		set_extend(extension->set, &extension->children);
	change_table(mapped, &extension->table);
	if (extension->last)
		member_grow(extension->last, (grown->used_sectors + grown->len_sectors) * SECTOR);
	else if (extension->set)
		set_extended();
	if (boot->entry && !tab_commit())
		die(EXIT_FAILED, "%s has its new size, and " TAB " could not be written (%s): run daxlinear tab --update %s, and then xfs_growfs if there is an XFS",
		    mapped->name, strerror(errno), mapped->name);
	printf("/dev/mapper/%s: %s\n", mapped->name,
	       size_text(table_end(&extension->table) * SECTOR, text));
	children_print(&extension->children, extension->old_sectors);
	if (boot->entry)
		printf("line %u of " TAB " is up to date\n", boot->entry->line);
	else if (!tab_check(mapped, &why))
		note("%s", why);
	code = grow_filesystem(mapped, &extension->content, extension->may_grow);
	let_signals();
	return code;
}

/* What a device with members is extended by becomes a member. */
static void begin_labels(struct extension *extension, const struct machine *machine)
{
	extension->set = set_of_device(machine, &extension->mapped);
	if (!extension->set)
		return;
	if (extension->children.force)
		die(EXIT_USAGE, "%s has members, and the label of a member overwrites what --force keeps: wipefs -a erases what is on a DEV",
		    extension->mapped.name);
	children_label(&extension->children);
}

/* Refuse a rest of the last member that is less than what each child is trimmed to. */
static void refuse_full(const struct extension *extension)
{
	const struct children *children = &extension->children;
	uint64_t rest = children->children->len_sectors * SECTOR;
	char text[2][SIZE_TEXT_LEN];

	if (rest < MAX(children->granule_bytes, page_bytes()))
		die(EXIT_FAILED, "the last member of %s, %s, has %s left, of which a multiple of %s is used: give a DEV%s",
		    extension->mapped.name, extension->last->path, size_text(rest, text[0]),
		    size_text(MAX(children->granule_bytes, page_bytes()), text[1]),
		    children->own_hint ?: "");
}

/* Without a DEV, the device takes what the disk of its last member has behind the data. */
static void take_last(struct extension *extension)
{
	const struct set *set = extension->set;
	uint64_t size, end;

	if (!set)
		usage("%s has no labels: give a DEV, with --offset and --len if a part of it is used already",
		      extension->mapped.name);
	extension->last = set->chain[set->nr - 1];
	size = block_sectors(extension->last->dev) * SECTOR - LABEL_BACK_BYTES;
	end = extension->last->label.offset_bytes + extension->last->label.len_bytes;
	size -= size % page_bytes();
	children_add_range(&extension->children, extension->last->path, end,
			   size > end ? size - end : 0);
	extension->children.children->used_sectors = extension->last->label.len_bytes / SECTOR;
	if (size > end)
		pick_granule(&extension->children, &extension->content,
			     extension->old_sectors * SECTOR);
	refuse_full(extension);
}

static int run(int argc, char **argv)
{
	struct extension extension = { .may_grow = true };
	struct children *children = &extension.children;
	struct mapped *mapped = &extension.mapped;
	bool dry_run = false, use_tab = true;
	const char *name = NULL;
	struct machine machine;
	struct stack stack;
	struct line line;
	int option;

	while ((option = next_option(argc, argv, options)) != -1) {
		switch (option) {
		case ARGUMENT:
			if (name)
				children_add(children, optarg);
			else
				name = optarg;
			break;
		case 'n':
			dry_run = true;
			break;
		case 'G':
			extension.may_grow = false;
			break;
		case 'T':
			use_tab = false;
			break;
		default:
			children_option(children, option, optarg);
		}
	}
	if (!name)
		usage("give a NAME, and a DEV or several");

	dm_begin();
	if (!dry_run)
		lock_changes();
	*mapped = dm_device(name);
	change_read(&line, mapped);
	extension.old_sectors = line_end(&line);
	look_at_content(&extension.content, mapped);
	children->own = mapped->name;
	children->own_hint = unfinished(&extension);
	stack_read(&stack);
	/* A table that was loaded by a run that was killed holds the children. */
	if (!dry_run && mapped->inactive)
		dm_clear(mapped->name);
	children_refuse_mounted(children);
	machine_read(&machine);
	begin_labels(&extension, &machine);
	if (children->nr)
		children_refuse_members(children, &machine,
					extension.set ? extension.set->uuid : NULL);
	else
		take_last(&extension);
	children_open(children, &stack);
	if (extension.may_grow)
		refuse_unmounted(&extension);
	pick_granule(children, &extension.content, extension.old_sectors * SECTOR);
	children_trim(children);
	children_line(children, &stack, &line);
	extension.table = line_table(&line);
	if (use_tab)
		boot_find(&extension.boot, mapped, &line);
	if (!dry_run)
		return carry_out(&extension);
	if (extension.set)
		puts(extension.last ? "# the label of the last member is written by extend alone" :
		     "# the labels of the new members are written by extend alone");
	change_print(mapped, &extension.table);
	if (extension.boot.entry)
		printf("daxlinear tab --update %s\n", mapped->name);
	return EXIT_DONE;
}

const struct command command_extend = {
	.name = "extend",
	.arguments = "[OPTION...] NAME [DEV [--offset SIZE] [--len SIZE] ...]",
	.what = "Make a device longer while it is in use, and the XFS on it",
	.help =
"Adds each DEV to the end, as create does, with a label if the device has labels.\n"
"Without a DEV, a device with labels takes what its last member has left. If\n"
TAB " has a line for the device, it is rewritten, and a mounted XFS is\n"
"grown by xfs_growfs. Afterwards the table is one line, even if it had several.\n\n"
"  --offset SIZE   use the DEV before this from here on\n"
"  --len SIZE      use at most so much of the DEV before this\n"
"  --granule SIZE  what to trim each DEV to a multiple of; otherwise XFS's allocation\n"
"                  groups if there is one, or as create does\n"
"  --force         use a DEV all the same that create would refuse\n"
"  --no-growfs     leave the XFS as it is, and print the command that grows it\n"
"  --no-tab        leave " TAB " as it is\n"
"  --dry-run       print the dmsetup commands that would do it, and do nothing\n",
	.run = run,
};
