// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drill/proof.h"
#include "sys/pages.h"
#include "sys/sysfs.h"
#include "util/clock.h"
#include "util/size.h"

/* The monitor writes its history after it has alerted. */
#define MONITOR_PATIENCE	(30 * SEC)
#define MONITOR_STEP_USEC	200000

static const struct bad *find_bad(const struct scene *scene, uint64_t place)
{
	size_t i;

	for (i = 0; i < scene->bads.nr; i++) {
		const struct bad *bad = &scene->bads.bads[i];

		if (place >= bad->start_bytes && place < bad->start_bytes + bad->len_bytes)
			return bad;
	}
	return NULL;
}

static void show_record(struct steps *steps, const struct scene *scene, const struct bad *bad)
{
	const struct bad_child *child;

	if (!bad || !(bad->known_by & BAD_RECORD)) {
		step(steps, "record", WRONG, "the kernel's record does not have the page");
		return;
	}
	child = &scene->bads.children[bad->child];
	step(steps, "record", GOOD, "the kernel's record of %s has the page, at 0x%jx",
	     child->name, (uintmax_t)bad->offset_bytes);
	step(steps, "event", strcmp(bad->result, "handled") ? WRONG : GOOD,
	     "the last event of the page is of %s, with the result \"%s\"",
	     bad->last[0] ? bad->last : "an unknown time", bad->result);
}

static void show_damage(struct steps *steps, struct scene *scene, const struct proof *proof)
{
	const struct scratch *scratch = proof->scratch;
	uint64_t place = proof->place;
	size_t i;

	owners_find_paths(&scene->owners, scene->mount.folder);
	for (i = 0; i < scene->owners.nr; i++) {
		const struct owner *owner = &scene->owners.owners[i];

		if (place < owner->start_bytes || place >= owner->start_bytes + owner->len_bytes ||
		    owner->inode != scratch->inode || !owner->path ||
		    strcmp(owner->path, scratch->path))
			continue;
		step(steps, "damage", GOOD, "daxlinear damage names %s at 0x%jx", owner->path,
		     (uintmax_t)owner->offset_bytes);
		return;
	}
	step(steps, "damage", WRONG, "daxlinear damage does not name %s", scratch->path);
}

/* Whether the monitor's history has a failure of a page of a disk, since a time. */
static bool history_has(const char *disk, uint64_t sector, uint64_t since)
{
	char *first = clock_text(since);
	struct history history;
	bool found = false;
	size_t i;

	history_load(&history, HISTORY_FOLDER);
	for (i = 0; i < history.nr_ranges; i++) {
		const struct history_range *range = &history.ranges[i];

		found = found || (!strcmp(range->child, disk) && sector >= range->sector &&
				  sector < range->sector + range->sectors &&
				  strcmp(range->last, first) >= 0);
	}
	history_free(&history);
	free(first);
	return found;
}

static void show_alert(struct steps *steps, const struct scene *scene, const struct bad *bad,
		       const struct proof *proof)
{
	uint64_t end = clock_monotonic() + MONITOR_PATIENCE, sector;
	const char *disk;
	bool found;

	if (!proof->watched) {
		step(steps, "alert", ABSENT,
		     "daxlinear-monitor does not run, so there was no alert: systemctl enable --now daxlinear-monitor");
		return;
	}
	if (!bad) {
		step(steps, "alert", WRONG, "without a record there is nothing to alert of");
		return;
	}
	disk = scene->bads.children[bad->child].name;
	sector = block_start(bad->dev) + bad->offset_bytes / SECTOR;
	while (!(found = history_has(disk, sector, proof->since)) && clock_monotonic() < end)
		usleep(MONITOR_STEP_USEC);
	if (found)
		step(steps, "alert", GOOD,
		     "daxlinear-monitor has alerted, and its history has the page: journalctl -t daxlinear");
	else
		step(steps, "alert", WRONG,
		     "daxlinear-monitor runs, but its history does not have the page: systemctl status daxlinear-monitor");
}

/* Show whether all that is to notice a failure has. */
void proof_show(struct steps *steps, struct scene *scene, const struct proof *proof)
{
	const struct bad *bad = find_bad(scene, proof->place);

	show_record(steps, scene, bad);
	show_damage(steps, scene, proof);
	show_alert(steps, scene, bad, proof);
}
