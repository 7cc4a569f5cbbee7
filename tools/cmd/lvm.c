// SPDX-License-Identifier: GPL-2.0
/* daxlinear lvm: the verbs of the udev rule for logical volumes, and those of administrators. */
#include <limits.h>
#include <stdio.h>
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
	{ "loaded", no_argument, NULL, 'l' },
	{ "removed", no_argument, NULL, 'r' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

/*
 * Start the conversion of a volume, or of all if the name is NULL, in a unit of systemd.  It waits
 * for the lock of the volume group, which the caller must not do.  Returns only if that fails.
 */
static void convert_later(const char *name)
{
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (length < 0)
		return;
	self[length] = '\0';
	execlp("systemd-run", "systemd-run", "--quiet", "--no-block", "--collect",
	       "--property=DefaultDependencies=no", self, "lvm", "reconcile", name, NULL);
	note("%s: not converted, systemd-run cannot be started", name ?: "all volumes");
}

static bool is_wanted(const struct lvm_conf *conf, const struct volume *volume)
{
	return block_has_dax(volume->mapped.dev) &&
	       (globs_match(&conf->convert, volume->name) ||
		globs_match(&conf->attach, volume->name));
}

static void attach_volume(const struct volume *volume)
{
	if (attach_ready())
		attach(volume->mapped.dev, volume->name);
	else
		note("%s is not notified of memory failures: the kernel has no module dax_holder; modprobe dax_holder loads it and attaches the volume",
		     volume->name);
}

/*
 * A volume was made, changed or renamed.  If the event has a cookie, an LVM command waits until
 * this process ends: it does not touch the volume, and it holds the lock of the group.
 */
static int event(dev_t dev)
{
	struct volume volume;
	struct lvm_conf conf;
	bool convert_wanted;

	lvm_conf_read(&conf);
	if (!volume_find(&volume, dev) || !is_wanted(&conf, &volume))
		return EXIT_DONE;
	attach_volume(&volume);
	convert_wanted = globs_match(&conf.convert, volume.name);
	if (convert_wanted && getenv("DM_COOKIE"))
		convert(&volume);
	else if (convert_wanted && is_convertible(&volume))
		convert_later(volume.mapped.name);
	return EXIT_DONE;
}

/* dax_holder was loaded.  Volumes that are active by now get no event of their own. */
static int event_of_module(void)
{
	struct volume *volumes;
	struct lvm_conf conf;
	bool convert_wanted = false;
	size_t nr, i;

	lvm_conf_read(&conf);
	nr = volumes_read(&volumes);
	for (i = 0; i < nr; i++) {
		if (!is_wanted(&conf, &volumes[i]))
			continue;
		attach_volume(&volumes[i]);
		convert_wanted |= globs_match(&conf.convert, volumes[i].name) &&
				  is_convertible(&volumes[i]);
	}
	if (convert_wanted)
		convert_later(NULL);
	return EXIT_DONE;
}

/*
 * A volume or another mapped device is being removed.  Device-mapper sends this event before it
 * frees the device, and hides the device from then on; LVM waits for both.  By the time this runs
 * the number may belong to a new device, so the UUID is compared with that of the event.
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

/* Convert a volume under the lock of its volume group. */
static bool convert_locked(struct volume *volume)
{
	struct volume now;
	bool done = true;
	int lock = vg_lock(volume);

	/* LVM may have removed or renamed it before the lock was taken. */
	if (volume_find(&now, volume->mapped.dev) && !strcmp(now.name, volume->name))
		done = convert_guarded(&now);
	vg_unlock(volume, lock);
	return done;
}

/* Attach and convert a volume as lvm.conf wants it, and print what was missing. */
static bool reconcile_one(const struct lvm_conf *conf, struct volume *volume)
{
	bool was_attached, was_converted, attached, converted, done;
	dev_t dev = volume->mapped.dev;
	char *text;

	attach_begin();
	was_attached = is_notified(dev);
	was_converted = is_converted(volume);
	done = attach(dev, volume->name);
	attached = is_notified(dev) && !was_attached;
	if (globs_match(&conf->convert, volume->name))
		done &= convert_locked(volume);
	converted = is_converted(volume) && !was_converted;
	if (attached) {
		text = attached_text(dev);
		printf("%s: attached to %s%s\n", volume->name, text,
		       converted ? ", converted" : "");
		free(text);
	} else if (converted) {
		printf("%s: converted\n", volume->name);
	}
	return done;
}

static int reconcile(const char *name)
{
	bool done = true, found = false;
	struct volume *volumes;
	struct lvm_conf conf;
	size_t nr, i;

	lvm_conf_read(&conf);
	nr = volumes_read(&volumes);
	for (i = 0; i < nr; i++) {
		if (name && strcmp(name, volumes[i].name) && strcmp(name, volumes[i].mapped.name))
			continue;
		found = true;
		if (is_wanted(&conf, &volumes[i]))
			done &= reconcile_one(&conf, &volumes[i]);
		else if (name)
			note("%s stays as it is: lvm.conf does not name it, or it has no DAX",
			     name);
	}
	if (name && !found)
		die(EXIT_FAILED, "there is no active logical volume \"%s\": daxlinear lvm status lists those that there are",
		    name);
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
	bool json = false, is_loaded = false, is_removed = false;
	dev_t dev = 0;
	int option;

	while ((option = next_option(argc, argv, options)) != -1) {
		if (option == ARGUMENT && !verb)
			verb = optarg;
		else if (option == ARGUMENT)
			one_argument(&what, "argument");
		else if (option == 'j')
			json = true;
		else if (option == 'l')
			is_loaded = true;
		else if (option == 'r')
			is_removed = true;
	}
	if (!verb)
		usage("give status, check or reconcile");
	dm_begin();
	if (!strcmp(verb, "event") || !strcmp(verb, "tidy")) {
		if (!is_loaded || what)
			dev = device_argument(what);
		say_to_kernel_log();
		return !strcmp(verb, "tidy") ? tidy(dev) : is_removed ? removed(dev) :
		       is_loaded ? event_of_module() : event(dev);
	}
	if (!strcmp(verb, "reconcile"))
		return reconcile(what);
	if (!strcmp(verb, "status") && !what)
		return lvm_status(json);
	if (!strcmp(verb, "check"))
		return lvm_check(what, json);
	usage("there is no \"daxlinear lvm %s%s%s\"", verb, what ? " " : "", what ?: "");
}

const struct command command_lvm = {
	.name = "lvm",
	.arguments = "status [--json] | check [--json] [VG] | reconcile [VG/LV]",
	.what = "Logical volumes on persistent memory",
	.help =
"A udev rule attaches each logical volume on persistent memory, and converts the\n"
"tables of those that /etc/daxlinear/lvm.conf names, as LVM makes or changes them.\n\n"
"  status     list the active volumes: what each is attached to, whether it is\n"
"             converted, and what lvm.conf wants\n"
"  check      print what keeps the volumes of a group, or of all groups on persistent\n"
"             memory, from DAX, from huge pages or from being notified of failures,\n"
"             and the remedy; exits with 3 if there is such a finding\n"
"  reconcile  attach and convert each active volume as lvm.conf wants it, and print each\n"
"             change\n\n"
"  --json     status or check for programs\n\n"
"The udev rule runs event and tidy.\n",
	.run = run,
};
