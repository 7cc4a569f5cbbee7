// SPDX-License-Identifier: GPL-2.0
/* daxlinear lvm: what the udev rule for logical volumes runs, and what people ask of it. */
#include <string.h>
#include <sys/sysmacros.h>

#include "attach.h"
#include "command.h"
#include "layout.h"
#include "lvm.h"
#include "lvm_show.h"
#include "say.h"
#include "sysfs.h"

static const struct option options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "removed", no_argument, NULL, 'r' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

/* A volume was made, changed or renamed. */
static int event(dev_t dev)
{
	struct volume volume;
	struct lvm_conf conf;

	if (!volume_find(&volume, dev) || !block_has_dax(dev))
		return EXIT_DONE;
	lvm_conf_read(&conf);
	if (!globs_match(&conf.attach, volume.name))
		return EXIT_DONE;
	if (attach_ready())
		attach(dev, volume.name);
	else
		note("%s hears of no failure: the kernel has no module dax_holder", volume.name);
	return EXIT_DONE;
}

/*
 * A volume is being removed.  Device-mapper says so before it lets go of the
 * device, and has it say nothing of itself from then on; LVM waits for both.
 * Its number may be another device's by now.
 */
static int removed(dev_t dev)
{
	char *uuid = read_text("/sys/dev/block/%u:%u/dm/uuid", major(dev), minor(dev));
	const char *of_event = getenv("DM_UUID");

	if (!attach_ready())
		return EXIT_DONE;
	if (!uuid || !*uuid || (of_event && !strcmp(uuid, of_event)))
		detach(dev, of_event ?: "the volume");
	detach_dead();
	free(uuid);
	return EXIT_DONE;
}

static dev_t device_argument(const char *text)
{
	dev_t dev;

	if (!text || !device_number(text, &dev))
		usage("give a MAJOR:MINOR");
	return dev;
}

static int run(int argc, char **argv)
{
	const char *verb = NULL, *what = NULL;
	bool json = false, is_removed = false;
	int option;

	while ((option = next_option(argc, argv, options)) != -1) {
		if (option == ARGUMENT && !verb)
			verb = optarg;
		else if (option == ARGUMENT)
			one_argument(&what, "argument");
		else if (option == 'j')
			json = true;
		else if (option == 'r')
			is_removed = true;
	}
	if (!verb)
		usage("say what to do");
	dm_begin();
	if (!strcmp(verb, "event"))
		return is_removed ? removed(device_argument(what)) : event(device_argument(what));
	if (!strcmp(verb, "status") && !what)
		return lvm_status(json);
	if (!strcmp(verb, "check") && what)
		return lvm_check(what);
	usage("\"%s\" is nothing that can be done", verb);
}

const struct command command_lvm = {
	.name = "lvm",
	.arguments = "status [--json] | check VG",
	.what = "Logical volumes on persistent memory",
	.help =
"A udev rule attaches each logical volume on persistent memory, as LVM makes or\n"
"changes it; /etc/daxlinear/lvm.conf says which.\n\n"
"  status  which volumes are active, to what they are attached, and wanted to be\n"
"  check   what keeps the volumes of a group from DAX, 2 MiB mappings or word of\n"
"          failures, and the way out; ends with 3 if there is anything\n\n"
"  --json  status for programs\n\n"
"The rule itself runs event.\n",
	.run = run,
};
