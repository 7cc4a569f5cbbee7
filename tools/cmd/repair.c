// SPDX-License-Identifier: GPL-2.0
/* daxlinear repair: have bad blocks repaired, or kept away from files. */
#include <stdio.h>

#include "cmd/command.h"
#include "device/claim.h"
#include "device/dm.h"
#include "device/lock.h"
#include "drill/scratch.h"
#include "repair/file.h"
#include "repair/free.h"
#include "repair/list.h"
#include "repair/metadata.h"
#include "repair/settle.h"
#include "util/say.h"

static const struct option options[] = {
	{ "file", required_argument, NULL, 'f' },
	{ "from", required_argument, NULL, 'b' },
	{ "zero", no_argument, NULL, 'z' },
	{ "force", no_argument, NULL, 'F' },
	{ "free", no_argument, NULL, 's' },
	{ "metadata", no_argument, NULL, 'm' },
	{ "yes", no_argument, NULL, 'y' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

struct words_given {
	const char *name;
	struct file_options file;
	bool zero;
	bool free;
	bool metadata;
	bool yes;
};

static void read_words(int argc, char **argv, struct words_given *given)
{
	int option;

	*given = (struct words_given){ 0 };
	while ((option = next_option(argc, argv, options)) != -1) {
		switch (option) {
		case 'f':
			one_argument(&given->file.path, "--file");
			break;
		case 'b':
			one_argument(&given->file.backup, "--from");
			break;
		case 'z':
			given->zero = true;
			break;
		case 'F':
			given->file.force = true;
			break;
		case 's':
			given->free = true;
			break;
		case 'm':
			given->metadata = true;
			break;
		case 'y':
			given->yes = true;
			break;
		default:
			one_argument(&given->name, "NAME");
		}
	}
	if (!given->name)
		usage("give a NAME");
	if (!!given->file.path + given->free + given->metadata > 1)
		usage("give one of --file, --free and --metadata");
	if (given->yes && !given->metadata)
		usage("--yes belongs to --metadata");
	if (!given->file.path && (given->file.backup || given->zero || given->file.force))
		usage("--from, --zero and --force belong to --file");
	if (given->file.path && !given->file.backup == !given->zero)
		usage("give --from BACKUP or --zero with --file");
	if (given->zero && given->file.force)
		usage("--force belongs to --from");
}

/* Die if a child is gone: nothing of it can be written. */
static void check_children(const struct scene *scene)
{
	size_t i;

	for (i = 0; i < scene->bads.nr; i++)
		if (scene->bads.bads[i].known_by & BAD_GONE)
			die(EXIT_FAILED, "a child of %s is gone: daxlinear damage %s names it; bring it back, or replace it",
			    scene->device->name, scene->device->name);
}

/* Repair and remove the file of a drill that was killed. */
static void end_drill(struct scene *scene, const char *name)
{
	if (!scratch_inode(scene))
		return;
	scene_read(scene, name);
	if (scene->unknown || !scratch_repair(scene) || !scratch_remove(scene))
		note("the file of a drill that was killed is left: daxlinear drill %s ends it",
		     name);
}

static int run(int argc, char **argv)
{
	struct words_given given;
	struct scene scene;
	bool changes;
	int code;

	read_words(argc, argv, &given);
	dm_begin();
	changes = given.file.path || given.free || given.metadata;
	if (changes)
		/* The table must not change while places are translated by it. */
		lock_changes();
	scene_read(&scene, given.name);
	if (!changes)
		return list_print(&scene) ? EXIT_FOUND : EXIT_DONE;
	claim_refuse(scene.device->dev, scene.device->name);
	check_children(&scene);
	if (given.metadata)
		return metadata_repair(&scene, given.yes);
	if (scene.unknown)
		die(EXIT_FAILED, "%s: %s", given.name, scene.unknown);
	settle(&scene);
	code = given.free ? free_repair(&scene) : file_repair(&scene, &given.file);
	end_drill(&scene, given.name);
	return code;
}

const struct command command_repair = {
	.name = "repair",
	.arguments = "NAME [--file PATH (--from BACKUP [--force] | --zero)]",
	.what = "Repair bad blocks, or keep them away from files",
	.help =
"Without an option, lists what is bad, and what can be done about each, and exits with\n"
"3 if anything is to be done. It changes nothing then.\n\n"
"A bad block of a file is written over in place, if the platform clears poison.\n"
"Otherwise, on an XFS with reflink, a file in /.daxlinear-quarantine of the filesystem\n"
"gets it, and all files that have it get a good block. The filesystem stays mounted and\n"
"in use.\n\n"
"  --file PATH    the file to repair\n"
"  --from BACKUP  a copy of it; all that is not bad has to be the same\n"
"  --force        take the bad ranges from BACKUP though other parts differ\n"
"  --zero         fill with zeros what is bad\n"
"  --free         clear the bad blocks of free space, or put them into quarantine\n"
"  --metadata     of a device that is not mounted: clear bad metadata and make it anew\n"
"  --yes          take each step of --metadata without asking\n",
	.run = run,
};
