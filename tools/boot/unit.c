// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/alloc.h"
#include "device/dm.h"
#include "util/say.h"
#include "boot/unit.h"

/* Escape a path as systemd does in the names of units, without the first slash. */
static char *unit_escape(const char *path)
{
	char *text = copy_text(""), *longer;
	const char *c;

	for (c = path + strspn(path, "/"); *c; c++) {
		if (*c == '/')
			longer = format_text("%s-", text);
		else if (isalnum((unsigned char)*c) || strchr(":_", *c) || (*c == '.' && *text))
			longer = format_text("%s%c", text, *c);
		else
			longer = format_text("%s\\x%02x", text, (unsigned char)*c);
		free(text);
		text = longer;
	}
	return text;
}

/* Return the node of a child that udev makes. */
char *unit_child_path(const struct tab_child *child)
{
	if (!strncmp(child->what, "uuid=", 5))
		return format_text("/dev/disk/by-id/pmem-%s", child->what + 5);
	if (!strncmp(child->what, "partuuid=", 9))
		return format_text("/dev/disk/by-partuuid/%s", child->what + 9);
	return copy_text(child->what);
}

static FILE *create(const char *path)
{
	FILE *file = fopen(path, "wxe");

	if (!file)
		die(EXIT_FAILED, "%s: %s", path, strerror(errno));
	return file;
}

static void finish(FILE *file, const char *path)
{
	if (ferror(file) | fclose(file))
		die(EXIT_FAILED, "%s could not be written", path);
}

/* Make the link by which a unit pulls in another. */
static void link_unit(const char *folder, const char *by, const char *unit)
{
	char *path = format_text("%s/%s", folder, by), *link, *target;

	if (mkdir(path, 0755) && errno != EEXIST)
		die(EXIT_FAILED, "%s: %s", path, strerror(errno));
	link = format_text("%s/%s", path, unit);
	target = format_text("../%s", unit);
	if (symlink(target, link))
		die(EXIT_FAILED, "%s: %s", link, strerror(errno));
	free(path);
	free(link);
	free(target);
}

/* Return the path of this program, wherever it is installed. */
static const char *program(void)
{
	static char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (length < 0)
		die(EXIT_FAILED, "/proc/self/exe: %s", strerror(errno));
	path[length] = '\0';
	return path;
}

/* Have a unit wait for a node, but start without it: tab --make names what is missing. */
static void wait_for(FILE *file, char *node)
{
	char *device = unit_escape(node);

	fprintf(file, "Wants=%s.device\nAfter=%s.device\n", device, device);
	free(device);
	free(node);
}

static void write_unit(const struct tab_entry *entry, const char *folder)
{
	char *escaped = unit_escape(entry->name), *path, *unit, *node, *device, *by;
	size_t i;
	FILE *file;

	unit = format_text("daxlinear@%s.service", escaped);
	path = format_text("%s/%s", folder, unit);
	file = create(path);
	fprintf(file,
		"[Unit]\n"
		"Description=daxlinear device %s\n"
		"Documentation=man:daxlineartab(5) man:daxlinear(8)\n"
		"SourcePath=" TAB "\n"
		"DefaultDependencies=no\n"
		"IgnoreOnIsolate=yes\n"
		"After=systemd-modules-load.service systemd-udevd.service\n"
		"Before=local-fs-pre.target shutdown.target\n"
		"Conflicts=shutdown.target\n", entry->name);
	for (i = 0; i < entry->nr; i++)
		wait_for(file, unit_child_path(&entry->children[i]));
	/* The last of its members has the device made. */
	if (entry->set)
		wait_for(file, format_text("/dev/disk/by-id/dm-uuid-" UUID_PREFIX "%s",
					   entry->set));
	fprintf(file,
		"\n[Service]\n"
		"Type=oneshot\n"
		"RemainAfterExit=yes\n"
		"ExecStart=%s tab --make %s\n"
		"ExecStop=%s remove -- %s\n", program(), entry->name, program(), entry->name);
	finish(file, path);
	link_unit(folder, "local-fs-pre.target.wants", unit);
	/* A mount that waits for the device fails as soon as the unit does. */
	node = format_text("/dev/mapper/%s", entry->name);
	device = unit_escape(node);
	by = format_text("%s.device.requires", device);
	link_unit(folder, by, unit);
	free(by);
	free(device);
	free(node);
	free(unit);
	free(path);
	free(escaped);
}

/* Write a unit for each device into a folder, for systemd. */
void units_write(const struct tab *tab, const char *folder)
{
	size_t i;

	for (i = 0; i < tab->nr; i++)
		write_unit(&tab->entries[i], folder);
}
