// SPDX-License-Identifier: GPL-2.0
/* daxlinear remove: removes a device. */
#include <string.h>

#include "boot/tab_file.h"
#include "device/change.h"
#include "cmd/command.h"
#include "device/dm.h"
#include "device/lock.h"
#include "util/say.h"
#include "device/stack.h"
#include "member/disks.h"

static const struct option options[] = {
	{ "force", no_argument, NULL, 'f' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

/* Return whether a device has a daxlinear target, or is left of an attempt to make one. */
static bool is_ours(const struct mapped *mapped)
{
	struct device device = { 0 };

	return !strncmp(mapped->uuid, UUID_PREFIX, strlen(UUID_PREFIX)) ||
	       (dm_table(mapped->name, &device.table) && device_is_ours(&device));
}

/* Refuse devices of others, LVM's also if they have a daxlinear target. */
static void refuse_others(const struct mapped *mapped)
{
	char *volume = dm_volume_name(mapped);

	if (volume)
		die(EXIT_FAILED, "%s is LVM's volume %s: lvchange -an %s deactivates it, lvremove %s deletes it; --force removes the mapped device all the same",
		    mapped->name, volume, volume, volume);
	if (dm_is_lvms(mapped))
		die(EXIT_FAILED, "%s is a part of one of LVM's volumes, which LVM removes with it; --force removes it all the same",
		    mapped->name);
	if (!is_ours(mapped))
		die(EXIT_FAILED, "%s has no daxlinear target: --force removes it all the same",
		    mapped->name);
}

/* Name the members, of which the next boot, or a command, makes the device again. */
static void note_members(const struct mapped *mapped, const struct machine *machine)
{
	const struct set *set = NULL;

	if (!strncmp(mapped->uuid, UUID_PREFIX, strlen(UUID_PREFIX)))
		set = set_find(machine, mapped->uuid + strlen(UUID_PREFIX));
	if (set)
		note("its members stay: daxlinear assemble %s makes it again, daxlinear release erases the label of one",
		     set->name);
}

static int run(int argc, char **argv)
{
	const char *name, *force;
	struct machine machine;
	struct mapped mapped;
	unsigned int line;

	name = name_and_option(argc, argv, options, &force);
	dm_begin();
	lock_changes();
	mapped = dm_device(name);
	if (!force)
		refuse_others(&mapped);
	change_remove(&mapped);
	machine_read(&machine);
	note_members(&mapped, &machine);
	line = tab_line_at_boot(mapped.name);
	if (line)
		note("line %u of " TAB " stays, and makes %s again at the next boot", line,
		     mapped.name);
	return EXIT_DONE;
}

const struct command command_remove = {
	.name = "remove",
	.arguments = "[--force] NAME",
	.what = "Remove a device; what is on it stays on its children",
	.help =
"  --force  remove a mapped device without a daxlinear target, or one of LVM, too\n",
	.run = run,
};
