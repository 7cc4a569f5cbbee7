// SPDX-License-Identifier: GPL-2.0
/* The disks at the bottom of a device: whether they are there, and what is known to be bad. */
#include <stdio.h>
#include <string.h>
#include <sys/param.h>

#include "util/alloc.h"
#include "device/attach.h"
#include "device/counters.h"
#include "device/huge.h"
#include "health/check.h"
#include "sys/nd.h"
#include "sys/pages.h"
#include "sys/sysfs.h"
#include "util/size.h"

static void check_disk(struct findings *findings, dev_t dev)
{
	char *disk = block_name(dev), *path = block_path(dev);
	struct pmem pmem;

	if (!block_exists(dev)) {
		findings_add(findings, "alive", false,
			     "%s is gone: what is there can't be read; bring it back, unmount, and make the device anew",
			     path);
	} else {
		findings_add(findings, "alive", true, "%s is there", path);
		if (!nd_find(disk, &pmem))
			findings_add(findings, "synchronous", false,
				     "libndctl does not list %s as persistent memory: whether it is synchronous is not known",
				     path);
		else if (!pmem.synchronous)
			findings_add(findings, "synchronous", false,
				     "%s is not synchronous: its host must be asked to flush, mmap with MAP_SYNC is refused",
				     path);
		else
			findings_add(findings, "synchronous", true, "%s is synchronous", path);
	}
	free(disk);
	free(path);
}

static void check_alignment(struct findings *findings, const struct layout *leaves)
{
	char text[SIZE_TEXT_LEN], huge[SIZE_TEXT_LEN], page[SIZE_TEXT_LEN];
	size_t i;

	size_text(huge_page_bytes(), huge);
	size_text(page_bytes(), page);
	for (i = 0; i < leaves->nr; i++) {
		const struct segment *leaf = &leaves->segments[i];
		char *path = block_path(leaf->dev);

		size_text(leaf->start_sectors * SECTOR, text);
		if (huge_is_aligned(leaf))
			findings_add(findings, "aligned_pmd", true,
				     "%s, from %s on, is aligned to %s", path, text, huge);
		else if (leaf->dev && block_exists(leaf->dev))
			findings_add(findings, "aligned_pmd", false,
				     "%s, from %s on, is not aligned to %s: files there are mapped in pages of %s, which costs faults and page tables",
				     path, text, huge, page);
		free(path);
	}
}

/* How many sectors of a disk its driver lists as bad, of those that the device uses. */
static uint64_t count_badblocks(dev_t dev, const struct extents *extents)
{
	char *disk = block_name(dev), *text = read_text("/sys/block/%s/badblocks", disk);
	char *rest = text, *line;
	uintmax_t first, len;
	uint64_t nr = 0;
	size_t i;

	while ((line = strsep(&rest, "\n"))) {
		if (sscanf(line, "%ju %ju", &first, &len) != 2)
			continue;
		for (i = 0; i < extents->nr; i++) {
			const struct extent *extent = &extents->extents[i];
			uint64_t from = MAX(first, extent->start_sectors);
			uint64_t to = MIN(first + len,
					  extent->start_sectors + extent->len_sectors);

			if (extent->disk == dev && from < to)
				nr += to - from;
		}
	}
	free(text);
	free(disk);
	return nr;
}

static void check_badblocks(struct findings *findings, dev_t dev, const struct checked *checked)
{
	const char *name = checked->device->name;
	uint64_t nr = count_badblocks(dev, &checked->extents);
	char *path = block_path(dev);

	if (nr)
		findings_add(findings, "badblocks", false,
			     "the driver of %s lists %ju bad sectors that %s uses: reading them fails; daxlinear damage %s lists them and the files, restore these from a backup; a write over a bad sector repairs it if the memory can",
			     path, (uintmax_t)nr, name, name);
	else if (block_exists(dev))
		findings_add(findings, "badblocks", true,
			     "the driver of %s lists no bad sectors that %s uses", path, name);
	free(path);
}

void check_children(struct findings *findings, const struct checked *checked)
{
	const struct extents *extents = &checked->extents;
	size_t i;

	/* They are in the order of disks. */
	for (i = 0; i < extents->nr; i++)
		if (!i || extents->extents[i].disk != extents->extents[i - 1].disk)
			check_disk(findings, extents->extents[i].disk);
	check_alignment(findings, &checked->leaves);
	for (i = 0; i < extents->nr; i++)
		if (!i || extents->extents[i].disk != extents->extents[i - 1].disk)
			check_badblocks(findings, extents->extents[i].disk, checked);
}

/* The failures that the targets have counted. */
static uint64_t count_of_targets(const struct device *device)
{
	struct counters counters;
	struct table status;
	uint64_t nr = 0;
	size_t i;

	if (!dm_status(device->name, &status))
		return 0;
	for (i = 0; i < status.nr; i++)
		if (!strcmp(status.targets[i].type, TARGET_OURS) &&
		    counters_read(&counters, status.targets[i].params))
			nr += counters.received;
	table_free(&status);
	return nr;
}

/* The failures that the attachments have counted. */
static uint64_t count_of_attached(const struct device *device)
{
	struct attached *attached;
	size_t nr_attached = attached_read(device->dev, &attached), i;
	uint64_t nr = 0;

	for (i = 0; i < nr_attached; i++)
		nr += attached[i].counters.received;
	attached_free(attached, nr_attached);
	return nr;
}

/*
 * The kernel shows no state of a page of persistent memory, so a page that was repaired looks like
 * one that is still bad. A failure counts until the counters begin anew.
 */
void check_failures(struct findings *findings, const struct checked *checked)
{
	const char *name = checked->device->name;
	uint64_t attached = count_of_attached(checked->device);
	/* A target of ours in a device that is attached counts the same failures. */
	uint64_t nr = MAX(count_of_targets(checked->device), attached);
	char *way_out = attached ? format_text("run daxlinear detach %s and daxlinear attach %s",
					       name, name) :
			format_text("unmount %s, remove it and make it anew", name);

	if (nr)
		findings_add(findings, "failures", false,
			     "%s has received %ju failure%s: daxlinear damage %s lists what failed, and the files: restore these from a backup; when the memory is repaired or replaced, %s, which begins the counters anew",
			     name, (uintmax_t)nr, nr == 1 ? "" : "s", name, way_out);
	else
		findings_add(findings, "failures", true,
			     "%s has received no failure since its counters began", name);
	free(way_out);
}
