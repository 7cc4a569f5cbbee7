// SPDX-License-Identifier: GPL-2.0
/*
 * What keeps logical volumes from DAX, from huge pages, from being notified of failures or
 * from correct data.  LVM's commands read LVM's metadata.  So this must not run in anything that
 * such a command waits for, for example a udev rule.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "util/alloc.h"
#include "device/attach.h"
#include "device/seams.h"
#include "fs/mounts.h"
#include "fs/xfs.h"
#include "health/findings.h"
#include "lvm/convert.h"
#include "lvm/show.h"
#include "sys/pages.h"
#include "sys/sysfs.h"
#include "util/json.h"
#include "util/say.h"
#include "util/size.h"

#define FIELDS	4

/* Volume groups on persistent memory. */
struct groups {
	char **names;
	size_t nr;
};

static struct findings findings;
static struct lvm_conf conf;
static struct stack stack;
static struct groups groups;
static unsigned int nr_active;

/* Run an LVM command that prints rows of fields, of one volume group or of all, or end. */
static void ask_lvm(const char *command, const char *columns, const char *vg,
		    void (*take)(char **fields))
{
	char *select = vg ? format_text(" -S vg_name=%s", vg) : copy_text(""), *text, *line = NULL;
	size_t room = 0;
	FILE *output;

	text = format_text("%s --noheadings --nosuffix --units b --separator '|' -o %s%s",
			   command, columns, select);
	free(select);

	/* LVM warns of the file that libdevmapper keeps open. */
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

/* pv_name|vg_name */
static void find_group(char **fields)
{
	dev_t dev;
	size_t i;

	if (!*fields[1] || !device_of(fields[0], &dev) || !block_has_dax(dev))
		return;
	for (i = 0; i < groups.nr; i++)
		if (!strcmp(groups.names[i], fields[1]))
			return;
	groups.names = grow(groups.names, groups.nr, sizeof(*groups.names));
	groups.names[groups.nr++] = copy_text(fields[1]);
}

/* pv_name|pe_start */
static void check_pv(char **fields)
{
	uint64_t start = strtoull(fields[1], NULL, 10);
	char text[SIZE_TEXT_LEN], unit[SIZE_TEXT_LEN];
	uint64_t huge = huge_page_bytes();
	dev_t dev;

	if (!device_of(fields[0], &dev) || !block_has_dax(dev))
		return;
	start += block_start(dev) * SECTOR;
	size_text(huge, unit);
	if (start % huge)
		findings_add_of(&findings, fields[0], "extents_pmd", false,
				"its extents begin at %s of the disk, so nothing on it gets %s mappings; save what is on it, and pvcreate --dataalignment %juM on a disk, or on a partition that begins at a multiple of %s",
				size_text(start, text), unit, (uintmax_t)(huge / MIB), unit);
}

/* Check that a volume is notified of failures, and converted if lvm.conf wants that. */
static void check_attached(const struct volume *volume)
{
	const char *name = volume->name;
	bool convert_wanted = globs_match(&conf.convert, name);
	char *remedy;

	nr_active++;
	if (!attach_ready())
		remedy = copy_text("modprobe dax_holder loads the module and attaches it");
	else if (!convert_wanted && !globs_match(&conf.attach, name))
		remedy = format_text("name it in /etc/daxlinear/lvm.conf, and run daxlinear lvm reconcile %s",
				     name);
	else
		remedy = format_text("daxlinear lvm reconcile %s attaches it", name);
	if (!is_notified(volume->mapped.dev))
		findings_add_of(&findings, name, "attached", false,
				"it is not attached, or a mapped device below it is not, so what is on it is not notified of memory failures; %s",
				remedy);
	else if (convert_wanted && is_convertible(volume))
		findings_add_of(&findings, name, "converted", false,
				"it is not converted, though lvm.conf wants that, so copy-on-write mixes data where its segments meet; run daxlinear lvm reconcile %s",
				name);
	free(remedy);
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
	findings_add_of(&findings, name, "seams", false,
			"%s, inside allocation groups of its XFS: " SEAMS_HARM "; %s", what,
			way_out);
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
		findings_add_of(&findings, name, "rmapbt", false,
				"its XFS has no rmapbt, so it cannot find the owner of a page that failed; save what is on it, and run mkfs.xfs -m rmapbt=1");
	if (xfs.reflink && block_has_dax(dev))
		check_seams(name, dev, &xfs);
}

static void check_active(const char *path, const char *name)
{
	struct volume volume;
	dev_t dev;

	if (!device_of(path, &dev))
		return;
	if (block_has_dax(dev) && volume_find(&volume, dev))
		check_attached(&volume);
	check_xfs(name, path, dev);
}

/* lv_full_name|lv_path|lv_layout|lv_role, without hidden volumes */
static void check_lv(char **fields)
{
	const char *name = fields[0], *layout = fields[2], *role = fields[3];

	if (strstr(role, "snapshot"))
		return;
	if (strcmp(layout, "linear") && strcmp(layout, "striped") &&
	    strcmp(layout, "linear,striped"))
		findings_add_of(&findings, name, "dax", false,
				"it is of the kind %s, which has no DAX; lvcreate --type linear or --type striped makes one that has it",
				layout);
	else if (strstr(role, "origin"))
		findings_add_of(&findings, name, "snapshots", false,
				"it has snapshots, and until they are removed it has no DAX, which mount does not report; lvremove the snapshots, then lvchange -an and -ay before you mount it: otherwise a later pvmove loses what is being written");
	else
		check_active(fields[1], name);
}

static void check_group(const char *vg)
{
	size_t nr_bad = findings.nr_bad;

	nr_active = 0;
	ask_lvm("pvs", "pv_name,pe_start", vg, check_pv);
	ask_lvm("lvs", "lv_full_name,lv_path,lv_layout,lv_role", vg, check_lv);
	if (findings.nr_bad > nr_bad)
		return;
	if (nr_active)
		findings_add_of(&findings, vg, "group", true,
				"active volumes with DAX: %u, each is notified of memory failures",
				nr_active);
	else
		findings_add_of(&findings, vg, "group", true, "no volume with DAX is active");
}

/* Whether a text can be a volume group's name. It becomes part of a command line. */
static bool is_vg_name(const char *name)
{
	if (!*name || *name == '-')
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && !strchr("+_.-", *name))
			return false;
	return true;
}

static void print_json(void)
{
	struct json_object *object = new_object(), *list = put_array(object, "groups");
	size_t i;

	for (i = 0; i < groups.nr; i++)
		add_text(list, groups.names[i]);
	findings_json(&findings, object);
	json_print(object);
}

/* Check a volume group, or all if the name is NULL. */
int lvm_check(const char *vg, bool json)
{
	size_t i;

	if (vg && !is_vg_name(vg))
		die(EXIT_USAGE, "\"%s\" cannot be the name of a volume group", vg);
	ask_lvm("pvs", "pv_name,vg_name", vg, find_group);
	if (vg && !groups.nr)
		die(EXIT_FAILED, "there is no volume group %s that has persistent memory with DAX",
		    vg);
	lvm_conf_read(&conf);
	stack_read(&stack);
	for (i = 0; i < groups.nr; i++)
		check_group(groups.names[i]);
	if (!groups.nr)
		findings_add(&findings, "group", true,
			     "no volume group is on persistent memory with DAX");
	if (json)
		print_json();
	else
		findings_print(&findings);
	return findings.nr_bad ? EXIT_FOUND : EXIT_DONE;
}
