// SPDX-License-Identifier: GPL-2.0
/* daxlinear mkfs: make an XFS whose allocation groups end where children do. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/param.h>
#include <unistd.h>

#include "util/alloc.h"
#include "health/check.h"
#include "cmd/command.h"
#include "device/claim.h"
#include "device/geometry.h"
#include "device/huge.h"
#include "fs/mounts.h"
#include "util/run.h"
#include "util/say.h"
#include "sys/blkid.h"
#include "sys/kernel.h"
#include "sys/pages.h"
#include "sys/sysfs.h"

/* XFS's log, of 64 MiB at least, must fit into an allocation group. */
#define AGSIZE_MIN	(65 * MIB)

static const struct option options[] = {
	{ "dry-run", no_argument, NULL, 'n' },
	{ "force", no_argument, NULL, 'f' },
	{ "parent-pointers", no_argument, NULL, 'p' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

static void refuse_in_use(const struct mapped *mapped, const char *path)
{
	struct mount mount;
	int fd;

	if (mount_find(mapped->dev, &mount))
		die(EXIT_FAILED, "%s is mounted on %s", mapped->name, mount.folder);
	fd = open(path, O_RDONLY | O_EXCL | O_CLOEXEC);
	if (fd < 0)
		die(EXIT_FAILED, "%s: %s", path, strerror(errno));
	close(fd);
}

static void refuse_signature(const char *path, uint64_t size_bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *found = signature_find(fd, 0, size_bytes);

	close(fd);
	if (found)
		die(EXIT_FAILED, "%s holds %s: --force makes an XFS all the same, and what is there is lost",
		    path, found);
}

/* Whether the user passes this option on; mkfs.xfs refuses an option that is given twice. */
static bool is_given(char **rest, const char *option)
{
	for (; *rest; rest++)
		if (strstr(*rest, option))
			return true;
	return false;
}

/* The size of blocks in options for mkfs.xfs: of -b size=SIZE, also if other words are with it. */
static const char *given_block_size(char **rest)
{
	const char *size;

	for (; *rest; rest++) {
		if (strncmp(*rest, "-b", 2))
			continue;
		size = strstr((*rest)[2] || !rest[1] ? *rest : rest[1], "size=");
		if (size)
			return size + strlen("size=");
	}
	return NULL;
}

/* XFS has DAX only with blocks of a page, and otherwise mounts without. */
static void add_block_size(struct words *words, char **rest)
{
	const char *given = given_block_size(rest);
	char page[SIZE_TEXT_LEN];
	uint64_t bytes;

	if (!given)
		words_add(words, "-bsize=%ju", (uintmax_t)page_bytes());
	else if (size_parse(given, &bytes) || bytes != page_bytes())
		usage("-b size=%s: XFS has DAX only with blocks of a page, %s; leave the option out",
		      given, size_text(page_bytes(), page));
}

/* The size of allocation groups that end at all these offsets; 0 if XFS needs larger ones. */
static uint64_t pick_agsize(const uint64_t *seams, size_t nr, uint64_t size_bytes,
			    uint64_t unit_bytes)
{
	uint64_t agsize = nr ? geometry_agsize(geometry_common(seams, nr), size_bytes, unit_bytes) :
			  0;

	return agsize < AGSIZE_MIN ? 0 : agsize;
}

/*
 * Add the options of geometry that the user does not give.  Allocation groups end at all seams if
 * possible, else at the open ones, else there are four groups.
 */
static void add_data_options(struct words *words, const struct layout *leaves,
			     uint64_t size_bytes, char **rest)
{
	bool huge = huge_leaves_aligned(leaves) && !is_given(rest, "su=") &&
		    !is_given(rest, "sunit=") && !is_given(rest, "noalign");
	uint64_t agsize = 0, *seams[2], units[] = { huge_page_bytes(), page_bytes() };
	size_t nr[2], i, unit;

	nr[0] = layout_seams(leaves, &seams[0]);
	nr[1] = layout_open_seams(leaves, &seams[1]);
	for (unit = huge ? 0 : 1; unit < (huge && !nr[1] ? 1 : 2); unit++)
		for (i = 0; i < 2 && !agsize; i++)
			agsize = pick_agsize(seams[i], nr[i], size_bytes, units[unit]);
	/* With a stripe unit, mkfs.xfs's default has no room for the log on small devices. */
	if (!agsize)
		agsize = MIN(((size_bytes / 4 - 1) / units[0] + 1) * units[0], AGSIZE_MAX);
	free(seams[0]);
	free(seams[1]);
	if (huge && agsize % units[0] == 0)
		words_add(words, "-dsu=%jum,sw=1", (uintmax_t)(units[0] / MIB));
	if (!is_given(rest, "agsize=") && !is_given(rest, "agcount="))
		words_add(words, "-dagsize=%ju", (uintmax_t)agsize);
}

/*
 * With parent pointers, damage names files without a walk.  Linux has them since 6.10.  6.12 logs
 * at each mount that they are experimental, 7.2 does not.  A dry run shows whether mkfs.xfs has
 * them.
 */
static void add_parent_pointers(struct words *words, char **rest, const char *path, bool asked)
{
	struct words trial = { 0 };
	size_t i;

	if (is_given(rest, "parent="))
		return;
	if (asked && !kernel_since(6, 10))
		die(EXIT_FAILED, "--parent-pointers: this kernel cannot mount an XFS that has them, Linux 6.10 and later can");
	if (!asked && !kernel_since(7, 2))
		return;
	for (i = 0; i < words->nr; i++)
		words_add(&trial, "%s", words->words[i]);
	words_add(&trial, "-nparent=1");
	words_add(&trial, "-N");
	words_add(&trial, "%s", path);
	if (asked || run_quietly(&trial))
		words_add(words, "-nparent=1");
}

static int tell_bad(const struct mapped *mapped, const struct stack *stack)
{
	struct findings findings = { 0 };
	size_t i;

	check_device(&findings, stack, mapped);
	for (i = 0; i < findings.nr; i++)
		if (!findings.findings[i].good)
			note("%s", findings.findings[i].text);
	return findings.nr_bad ? EXIT_FOUND : EXIT_DONE;
}

static int run(int argc, char **argv)
{
	bool dry_run = false, force = false, parent_pointers = false;
	struct layout leaves = { 0 };
	struct words words = { 0 };
	const struct device *device;
	const char *name = NULL;
	struct mapped mapped;
	struct stack stack;
	uint64_t size;
	char *path;
	int option;

	while ((option = next_option(argc, argv, options)) != -1) {
		if (option == ARGUMENT)
			one_argument(&name, "NAME");
		else if (option == 'n')
			dry_run = true;
		else if (option == 'f')
			force = true;
		else if (option == 'p')
			parent_pointers = true;
	}
	if (!name)
		usage("give a NAME");

	dm_begin();
	mapped = dm_device(name);
	stack_read(&stack);
	device = stack_find(&stack, mapped.dev);
	if (!device || !device->table.nr)
		die(EXIT_FAILED, "%s has no table", mapped.name);
	size = table_end(&device->table) * SECTOR;
	path = block_path(mapped.dev);
	claim_refuse(mapped.dev, mapped.name);
	refuse_in_use(&mapped, path);
	if (!force)
		refuse_signature(path, size);
	stack_flatten(&stack, &leaves, &device->layout);

	words_add(&words, "mkfs.xfs");
	if (force)
		words_add(&words, "-f");
	if (!is_given(argv + optind, "rmapbt="))
		words_add(&words, "-mrmapbt=1");
	/* See KERNEL_REFLINK_CRASH. */
	if (!is_given(argv + optind, "reflink="))
		words_add(&words, "-mreflink=0");
	add_block_size(&words, argv + optind);
	add_data_options(&words, &leaves, size, argv + optind);
	add_parent_pointers(&words, argv + optind, path, parent_pointers);
	while (optind < argc)
		words_add(&words, "%s", argv[optind++]);
	words_add(&words, "%s", path);
	if (dry_run) {
		words_print(&words);
		return EXIT_DONE;
	}
	if (!run_program(&words))
		die(EXIT_FAILED, "mkfs.xfs did not make a filesystem");
	return tell_bad(&mapped, &stack);
}

const struct command command_mkfs = {
	.name = "mkfs",
	.arguments = "[--force] [--dry-run] [--parent-pointers] NAME [-- OPTION...]",
	.what = "Make an XFS that handles memory failures and fits the children",
	.help =
"Runs mkfs.xfs: with rmapbt, with blocks of a page, with allocation groups that end\n"
"wherever children do if they can, and for huge pages where children are aligned to\n"
"them; without reflink, by which any user can crash the kernel (-- -m reflink=1 turns it\n"
"on); with parent pointers, by which damage finds paths fast, if neither mkfs.xfs nor the\n"
"kernel calls them experimental. Then checks the result, and exits with 3 if something\n"
"is not as it should be. What follows -- is for mkfs.xfs.\n\n"
"  --force            even if something is on the device\n"
"  --dry-run          print the mkfs.xfs command, and do nothing\n"
"  --parent-pointers  with parent pointers, also if the kernel calls them experimental\n",
	.takes_rest = true,
	.run = run,
};
