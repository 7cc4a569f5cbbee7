// SPDX-License-Identifier: GPL-2.0
/* The disks at the bottom of a device: whether they are there, and what is known to be bad. */
#include <stdio.h>
#include <string.h>
#include <sys/param.h>

#include "util/alloc.h"
#include "device/huge.h"
#include "health/bad.h"
#include "health/check.h"
#include "health/report.h"
#include "sys/nd.h"
#include "sys/pages.h"
#include "sys/sysfs.h"
#include "util/size.h"

static void check_disk(struct findings *findings, dev_t dev)
{
	char *disk = block_name(dev), *path = record_path(dev);
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

/*
 * What has failed and is on record.  Children that are gone, and what only a driver lists, are
 * findings of their own.  With @ask, the filesystem is asked for what is in quarantine.
 */
void check_failures(struct findings *findings, const struct checked *checked, bool ask)
{
	const char *name = checked->device->name;
	char size[SIZE_TEXT_LEN];
	struct bads bads = { 0 };
	struct report report;
	uint64_t bytes = 0;
	size_t nr = 0, i;

	bads_collect(&bads, checked->stack, checked->device);
	if (ask && bads.nr) {
		report_find_owners(&report, checked->device, &bads);
		report_free(&report);
	}
	for (i = 0; i < bads.nr; i++) {
		const struct bad *bad = &bads.bads[i];

		if (!(bad->known_by & (BAD_RECORD | BAD_HISTORY)) || bad_is_quarantined(bad))
			continue;
		bytes += bad->len_bytes - bad->quarantined_bytes;
		nr++;
	}
	bads_free(&bads);
	if (nr)
		findings_add(findings, "failures", false,
			     "%s of %s, in %zu range%s, failed: daxlinear damage %s lists what, and the files: restore these from a backup; a range leaves the record when it is written anew, or by daxlinear repair %s",
			     size_text(bytes, size), name, nr, nr == 1 ? "" : "s", name, name);
	else
		findings_add(findings, "failures", true, "no failure of %s is on record", name);
}
