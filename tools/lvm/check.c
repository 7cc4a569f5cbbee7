// SPDX-License-Identifier: GPL-2.0
/*
 * What keeps logical volumes from DAX, 2 MiB mappings, word of failures or right data.
 * LVM's metadata is LVM's to read, so this asks its commands, and must not be
 * run by anything that they wait for.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "util/alloc.h"
#include "device/dm.h"
#include "lvm/show.h"
#include "fs/mounts.h"
#include "util/say.h"
#include "device/seams.h"
#include "util/size.h"
#include "sys/sysfs.h"
#include "fs/xfs.h"

#define FIELDS	4

static unsigned int nr_dax, nr_found;
static struct stack stack;

static void found(const char *name, const char *way_out, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void found(const char *name, const char *way_out, const char *format, ...)
{
	va_list arguments;
	char *what;

	va_start(arguments, format);
	what = format_arguments(format, arguments);
	va_end(arguments);
	printf("%s: %s\n  %s\n", name, what, way_out);
	free(what);
	nr_found++;
}

/* Ask one of LVM's commands for rows of fields, or end. */
static void ask_lvm(const char *command, const char *columns, const char *vg,
		    void (*take)(char **fields))
{
	char *text = format_text("%s --noheadings --nosuffix --units b --separator '|' -o %s -S 'vg_name=%s'",
				 command, columns, vg), *line = NULL;
	size_t room = 0;
	FILE *output;

	dm_release();
	output = popen(text, "re");

	while (output && getline(&line, &room, output) >= 0) {
		char *rest = line + strspn(line, " "), *fields[FIELDS];
		unsigned int i;

		rest[strcspn(rest, "\n")] = '\0';
		for (i = 0; i < FIELDS; i++)
			fields[i] = strsep(&rest, "|") ?: "";
		take(fields);
	}
	if (!output || pclose(output))
		die(EXIT_FAILED, "%s failed", text);
	free(line);
	free(text);
}

static bool device_of(const char *path, dev_t *dev)
{
	struct stat status;

	if (stat(path, &status) || !S_ISBLK(status.st_mode))
		return false;
	*dev = status.st_rdev;
	return true;
}

/* pv_name|pe_start */
static void check_pv(char **fields)
{
	uint64_t start = strtoull(fields[1], NULL, 10);
	char text[SIZE_TEXT_LEN];
	dev_t dev;

	if (!device_of(fields[0], &dev) || !block_has_dax(dev))
		return;
	nr_dax++;
	start += block_start(dev) * SECTOR;
	if (start % HUGE_PAGE)
		found(fields[0],
		      "move away what is on it, and pvcreate --dataalignment 2M on a disk, or on a partition that begins at a multiple of 2 MiB",
		      "its extents begin at %s of the disk, so nothing on it gets 2 MiB mappings",
		      size_text(start, text));
}

static void check_seams(const char *name, dev_t dev, const struct xfs *xfs)
{
	const struct device *device = stack_find(&stack, dev);
	struct seams seams = { 0 };
	char *what, *way_out;

	if (device)
		seams_find(&seams, &stack, device, xfs->ag_bytes, xfs->size_bytes);
	if (!seams.nr)
		return;
	what = seams_text(&seams);
	way_out = seams_way_out(&seams);
	found(name, way_out, "%s, inside allocation groups of its XFS: " SEAMS_HARM, what);
	free(what);
	free(way_out);
}

static void check_xfs(const char *name, const char *path, dev_t dev)
{
	struct mount mount = { 0 };
	struct xfs xfs;

	mount_find(dev, &mount);
	if (!xfs_read(path, mount.folder, &xfs))
		return;
	if (!xfs.rmapbt)
		found(name, "save what is on it, and mkfs.xfs -m rmapbt=1",
		      "its XFS has no rmapbt, so it cannot tell whose page has failed");
	if (xfs.reflink && block_has_dax(dev))
		check_seams(name, dev, &xfs);
}

/* lv_full_name|lv_path|lv_layout|lv_role; the volumes that people see */
static void check_lv(char **fields)
{
	const char *name = fields[0], *layout = fields[2], *role = fields[3];
	dev_t dev;

	if (strstr(role, "snapshot"))
		return;
	if (strcmp(layout, "linear") && strcmp(layout, "striped") &&
	    strcmp(layout, "linear,striped"))
		found(name, "lvcreate --type linear or --type striped makes one that has it",
		      "it is of the kind %s, which has no DAX", layout);
	else if (strstr(role, "origin"))
		found(name,
		      "lvremove the snapshots, then lvchange -an and -ay before it is mounted: as it is, a later pvmove would lose what is being written",
		      "it has snapshots, and no DAX as long as it has; mount does not say so");
	else if (device_of(fields[1], &dev))
		check_xfs(name, fields[1], dev);
}

/* It becomes part of a command line. */
static bool is_vg_name(const char *name)
{
	if (!*name || *name == '-')
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && !strchr("+_.-", *name))
			return false;
	return true;
}

int lvm_check(const char *vg)
{
	if (!is_vg_name(vg))
		die(EXIT_USAGE, "\"%s\" is no name of a volume group", vg);
	ask_lvm("pvs", "pv_name,pe_start", vg, check_pv);
	if (!nr_dax)
		die(EXIT_FAILED, "there is no volume group %s that has persistent memory with DAX",
		    vg);
	stack_read(&stack);
	ask_lvm("lvs", "lv_full_name,lv_path,lv_layout,lv_role", vg, check_lv);
	return nr_found ? EXIT_FOUND : EXIT_DONE;
}
