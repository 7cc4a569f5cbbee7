// SPDX-License-Identifier: GPL-2.0
/* daxlinear lvm: what the udev rule for logical volumes runs, and what people ask of it. */
#include <limits.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "util/alloc.h"
#include "device/attach.h"
#include "cmd/command.h"
#include "lvm/convert.h"
#include "device/layout.h"
#include "lvm/volume.h"
#include "lvm/show.h"
#include "util/say.h"
#include "sys/sysfs.h"

static const struct option options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "removed", no_argument, NULL, 'r' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

/* Have a volume converted as soon as no LVM command is busy with its group; we must not wait. */
static void convert_later(const struct volume *volume)
{
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (length < 0)
		return;
	self[length] = '\0';
	execlp("systemd-run", "systemd-run", "--quiet", "--no-block", "--collect",
	       "--property=DefaultDependencies=no", self, "lvm", "reconcile", volume->mapped.name,
	       NULL);
	note("%s is not converted: there is no systemd-run", volume->name);
}

/*
 * A volume was made, changed or renamed.  Where LVM waits for us by a cookie, it
 * is done with the volume until we end, and has the group's lock all the while.
 */
static int event(dev_t dev)
{
	struct volume volume;
	struct lvm_conf conf;
	bool wanted;

	if (!volume_find(&volume, dev) || !block_has_dax(dev))
		return EXIT_DONE;
	lvm_conf_read(&conf);
	wanted = globs_match(&conf.convert, volume.name);
	if (!wanted && !globs_match(&conf.attach, volume.name))
		return EXIT_DONE;
	if (attach_ready())
		attach(dev, volume.name);
	else
		note("%s hears of no failure: the kernel has no module dax_holder", volume.name);
	if (wanted && getenv("DM_COOKIE"))
		convert(&volume);
	else if (wanted && is_convertible(&volume))
		convert_later(&volume);
	return EXIT_DONE;
}

/*
 * A volume or another mapped device is being removed.  Device-mapper says so
 * before it lets go of the device, and has it say nothing of itself from then
 * on; LVM waits for both.  Its number may be another device's by now.
 */
static int removed(dev_t dev)
{
	char *uuid = read_text("/sys/dev/block/%u:%u/dm/uuid", major(dev), minor(dev));
	const char *of_event = getenv("DM_UUID");

	if (!attach_ready())
		return EXIT_DONE;
	if (!uuid || (of_event && !strcmp(uuid, of_event)))
		detach(dev, of_event ?: "the device");
	detach_dead();
	free(uuid);
	return EXIT_DONE;
}

static int tidy(dev_t dev)
{
	struct volume volume;

	if (volume_find(&volume, dev))
		convert_tidy(&volume);
	return EXIT_DONE;
}

/* Convert a volume under LVM's own lock, if that is wanted and it is not done. */
static bool reconcile_one(const struct lvm_conf *conf, struct volume *volume)
{
	struct volume now;
	bool done = true;
	int lock;

	if (!globs_match(&conf->convert, volume->name) || !block_has_dax(volume->mapped.dev))
		return true;
	lock = vg_lock(volume);
	/* Whatever it was when we began to wait. */
	if (volume_find(&now, volume->mapped.dev) && !strcmp(now.name, volume->name))
		done = convert_guarded(&now);
	vg_unlock(volume, lock);
	return done;
}

static int reconcile(const char *name)
{
	struct volume *volumes;
	struct lvm_conf conf;
	size_t nr, i;
	bool done = true;

	lvm_conf_read(&conf);
	nr = volumes_read(&volumes);
	for (i = 0; i < nr; i++)
		if (!name || !strcmp(name, volumes[i].name) ||
		    !strcmp(name, volumes[i].mapped.name))
			done &= reconcile_one(&conf, &volumes[i]);
	return done ? EXIT_DONE : EXIT_FAILED;
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
	if (!strcmp(verb, "tidy"))
		return tidy(device_argument(what));
	if (!strcmp(verb, "reconcile"))
		return reconcile(what);
	if (!strcmp(verb, "status") && !what)
		return lvm_status(json);
	if (!strcmp(verb, "check") && what)
		return lvm_check(what);
	usage("\"%s\" is nothing that can be done", verb);
}

const struct command command_lvm = {
	.name = "lvm",
	.arguments = "status [--json] | check VG | reconcile [VG/LV]",
	.what = "Logical volumes on persistent memory",
	.help =
"A udev rule attaches each logical volume on persistent memory, and converts the\n"
"tables of those that /etc/daxlinear/lvm.conf names, as LVM makes or changes them.\n\n"
"  status     which volumes there are, attached, converted, and wanted to be\n"
"  check      what keeps the volumes of a group from DAX, 2 MiB mappings or word of\n"
"             failures, and the way out; exits with 3 if there is anything\n"
"  reconcile  convert what should be and is not, under LVM's own lock\n\n"
"  --json     status for programs\n\n"
"The rule itself runs event and tidy.\n",
	.run = run,
};
