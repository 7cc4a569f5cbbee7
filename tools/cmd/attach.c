// SPDX-License-Identifier: GPL-2.0
/* daxlinear attach: forward failures to devices whose targets do not forward them. */
#include <string.h>

#include "device/attach.h"
#include "cmd/command.h"
#include "device/dm.h"
#include "util/say.h"
#include "device/seams.h"
#include "sys/sysfs.h"

static const struct option options[] = {
	{ "all", no_argument, NULL, 'a' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

/* Report seams, which attaching does not change. */
static void warn_of_seams(const struct stack *stack, const struct mapped *mapped)
{
	const struct device *device = stack_find(stack, mapped->dev);
	struct seams seams = { 0 };

	if (device)
		seams_find(&seams, stack, device, 0, UINT64_MAX);
	if (seams.nr)
		note("%s: copy-on-write (reflink) on it mixes data where its pieces meet; daxlinear check %s has details",
		     mapped->name, mapped->name);
}

/* A layer that LVM hides has no user of its own: the volume that stands on it has no DAX. */
static bool is_layer(const struct mapped *mapped)
{
	char *volume = dm_volume_name(mapped);
	bool is = !volume && dm_is_lvms(mapped);

	free(volume);
	return is;
}

static bool attach_all(const struct stack *stack)
{
	size_t nr, i;
	char **names;
	bool done = true;

	detach_dead();
	nr = dm_names(&names);
	for (i = 0; i < nr; i++) {
		struct mapped mapped;

		/* It may have gone since the list was read. */
		if (!dm_find(names[i], &mapped) || !block_has_dax(mapped.dev) ||
		    is_layer(&mapped))
			continue;
		done &= attach_floor(mapped.dev, mapped.name);
		if (is_attached(mapped.dev))
			warn_of_seams(stack, &mapped);
	}
	return done;
}

static bool attach_one(const struct stack *stack, const char *name)
{
	struct mapped mapped = dm_device(name);
	const struct device *device;

	if (!block_has_dax(mapped.dev))
		die(EXIT_FAILED, "%s has no DAX: all its targets need it, and so do all devices below them",
		    mapped.name);
	device = stack_find(stack, mapped.dev);
	if (device && table_is_all(&device->table, TARGET_OURS))
		note("%s forwards failures by itself: only devices below it that do not are attached",
		     mapped.name);
	warn_of_seams(stack, &mapped);
	return attach(mapped.dev, mapped.name);
}

static int run(int argc, char **argv)
{
	const char *name = NULL;
	struct stack stack;
	bool all = false;
	int option;

	while ((option = next_option(argc, argv, options)) != -1) {
		if (option == ARGUMENT)
			one_argument(&name, "DEV");
		else if (option == 'a')
			all = true;
	}
	if (all == !!name)
		usage("give a DEV or --all");

	dm_begin();
	attach_begin();
	stack_read(&stack);
	return (all ? attach_all(&stack) : attach_one(&stack, name)) ? EXIT_DONE : EXIT_FAILED;
}

const struct command command_attach = {
	.name = "attach",
	.arguments = "DEV | --all",
	.what = "Forward memory failures to a mapped device of any kind",
	.help =
"DEV is a mapped device with DAX that has other targets than daxlinear, such as a\n"
"logical volume. It is attached to what is directly below it, and so is each mapped\n"
"device below it: a failure of the memory is forwarded from one to the next. A device\n"
"with daxlinear targets only is left alone: they forward failures themselves.\n"
"After a change of the device, attach it again: that adds what is missing.\n\n"
"  --all  all mapped devices with DAX, but none that LVM hides; devices that have gone\n"
"         are dropped\n",
	.run = run,
};
