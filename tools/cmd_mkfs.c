// SPDX-License-Identifier: GPL-2.0
/* daxlinear mkfs: makes an XFS whose allocation groups end where children do. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "check.h"
#include "command.h"
#include "geometry.h"
#include "huge.h"
#include "mounts.h"
#include "run.h"
#include "say.h"
#include "signature.h"
#include "sysfs.h"

/* XFS makes no smaller allocation groups. */
#define AGSIZE_MIN	(16 * MIB)

static const struct option options[] = {
	{ "dry-run", no_argument, NULL, 'n' },
	{ "force", no_argument, NULL, 'f' },
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

/* Whether an option is among those that the user has for mkfs.xfs, which takes none twice. */
static bool is_given(char **rest, const char *option)
{
	for (; *rest; rest++)
		if (strstr(*rest, option))
			return true;
	return false;
}

/* Allocation groups that end where children do; 0 if XFS makes none that are so small. */
static uint64_t pick_agsize(const struct layout *leaves, uint64_t size_bytes, uint64_t unit_bytes)
{
	uint64_t *seams, common, agsize;
	size_t nr = layout_seams(leaves, &seams);

	common = geometry_common(seams, nr);
	free(seams);
	agsize = geometry_agsize(common, size_bytes, unit_bytes);
	return agsize < AGSIZE_MIN ? 0 : agsize;
}

/* The options about where things are, as far as the user does not give them. */
static void add_data_options(struct words *words, const struct layout *leaves,
			     uint64_t size_bytes, char **rest)
{
	bool huge = huge_leaves_aligned(leaves) && !is_given(rest, "su=") &&
		    !is_given(rest, "sunit=") && !is_given(rest, "noalign");
	uint64_t agsize = 0;

	if (huge)
		agsize = pick_agsize(leaves, size_bytes, HUGE_PAGE);
	huge = huge && agsize;
	if (huge)
		words_add(words, "-dsu=2m,sw=1");
	if (is_given(rest, "agsize=") || is_given(rest, "agcount="))
		return;
	if (!agsize)
		agsize = pick_agsize(leaves, size_bytes, 4 * KIB);
	if (!agsize)
		die(EXIT_FAILED, "its children meet at places that are multiples of less than 16 MiB only, and XFS has no allocation groups so small: make the device anew by daxlinear create, with a larger granule");
	words_add(words, "-dagsize=%ju", (uintmax_t)agsize);
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
	bool dry_run = false, force = false;
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
	refuse_in_use(&mapped, path);
	if (!force)
		refuse_signature(path, size);
	stack_flatten(&stack, &leaves, &device->layout);

	words_add(&words, "mkfs.xfs");
	if (force)
		words_add(&words, "-f");
	if (!is_given(argv + optind, "rmapbt="))
		words_add(&words, "-mrmapbt=1");
	add_data_options(&words, &leaves, size, argv + optind);
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
	.arguments = "[--force] [--dry-run] NAME [-- OPTION...]",
	.what = "Make an XFS that hears of failures, whose parts end where children do",
	.help =
"Runs mkfs.xfs: with rmapbt, with allocation groups that divide all places where\n"
"children meet, and for mappings of 2 MiB where children are aligned to that. Then\n"
"checks what came of it, and ends with 3 if something is not as it should be.\n"
"What follows -- is for mkfs.xfs.\n\n"
"  --force    even if something is on the device\n"
"  --dry-run  print the mkfs.xfs command, and do nothing\n",
	.takes_rest = true,
	.run = run,
};
