// SPDX-License-Identifier: GPL-2.0
/*
 * Collect bad ranges: the kernel's record of failures, the drivers' badblocks, what the monitor has
 * kept, and children that are gone.
 */
#include <stdio.h>
#include <string.h>
#include <sys/param.h>

#include "util/alloc.h"
#include "util/clock.h"
#include "device/above.h"
#include "health/bad.h"
#include "health/namespace.h"
#include "sys/kernel.h"
#include "sys/pages.h"
#include "util/size.h"
#include "sys/sysfs.h"

/* What is collected, and for which device. */
struct collection {
	struct bads *bads;
	struct above above;
	char *boot;
};

/* Add what the device has of a bad range of a child, in sectors of the disk. */
static void add_range(struct collection *collection, size_t child, uint64_t first, uint64_t nr,
		      unsigned int known_by)
{
	struct layout parts = { 0 };
	size_t i;

	above_find(&collection->above, collection->bads->children[child].dev, first, nr, &parts);
	for (i = 0; i < parts.nr; i++) {
		const struct segment *part = &parts.segments[i];
		struct bad bad = {
			.start_bytes = part->start_sectors * SECTOR,
			.len_bytes = part->len_sectors * SECTOR,
			.dev = part->dev,
			.offset_bytes = part->offset_sectors * SECTOR,
			.known_by = known_by,
			.child = child,
		};

		bads_add(collection->bads, &bad);
	}
	layout_free(&parts);
}

/* Add the badblocks of a disk, of which sysfs gives what fits in a page. */
static void add_badblocks(struct collection *collection, size_t number)
{
	struct bad_child *child = &collection->bads->children[number];
	char *text = read_text("/sys/block/%s/badblocks", child->name), *rest = text, *line;
	uintmax_t first, nr;

	child->cut = text && strlen(text) + 1 >= page_bytes() - 1;
	while ((line = strsep(&rest, "\n"))) {
		/* The last line of a text that is cut may lack digits. */
		if (child->cut && !rest)
			break;
		if (sscanf(line, "%ju %ju", &first, &nr) == 2)
			add_range(collection, number, first, nr, BAD_MEDIA);
	}
	free(text);
}

static void add_record(struct collection *collection, size_t number)
{
	const struct record *record = &collection->bads->children[number].record;
	size_t i;

	for (i = 0; i < record->nr_ranges; i++)
		add_range(collection, number, record->ranges[i].sector, record->ranges[i].sectors,
			  BAD_RECORD);
	/* What the record has no room for is in its event. */
	for (i = 0; i < record->nr_events; i++)
		if (record_event_has(&record->events[i], "overflow"))
			add_range(collection, number, record->events[i].sector,
				  record->events[i].sectors, BAD_RECORD);
}

/* How much two ranges have in common. */
static uint64_t shared(uint64_t a, uint64_t a_len, uint64_t b, uint64_t b_len)
{
	uint64_t first = MAX(a, b), end = MIN(a + a_len, b + b_len);

	return first < end ? end - first : 0;
}

static bool is_quarantined(const struct history_range *range)
{
	return !strcmp(range->state, "quarantined");
}

static bool is_lost(const struct history_range *range)
{
	return !strcmp(range->state, "lost");
}

/*
 * Whether a range of the history was bad once and is not any more: its last failure is among the
 * events, and the record does not have the range.
 */
static bool was_cleared(const struct record *record, const struct history_range *range)
{
	bool seen = false;
	char *time;
	size_t i;

	if (is_quarantined(range) || is_lost(range))
		return false;
	for (i = 0; i < record->nr_ranges; i++)
		if (shared(record->ranges[i].sector, record->ranges[i].sectors, range->sector,
			   range->sectors))
			return false;
	for (i = 0; i < record->nr_events && !seen; i++) {
		const struct record_event *event = &record->events[i];

		if (!shared(event->sector, event->sectors, range->sector, range->sectors))
			continue;
		if (record_event_has(event, "overflow"))
			return false;
		time = clock_text(event->time_ns);
		seen = strcmp(time, range->last) >= 0;
		free(time);
	}
	return seen;
}

static void add_history(struct collection *collection, size_t number)
{
	const struct bad_child *child = &collection->bads->children[number];
	const struct history_range **ranges;
	size_t nr, i;

	nr = history_find(&collection->bads->history, child->name, child->namespace, &ranges);
	for (i = 0; i < nr; i++)
		if (ranges[i]->sectors && !was_cleared(&child->record, ranges[i]))
			add_range(collection, number, ranges[i]->sector, ranges[i]->sectors,
				  BAD_HISTORY);
	free(ranges);
}

/* The name and the namespace of a disk; of one that is gone, as far as they are remembered. */
static void identify(struct collection *collection, struct bad_child *child)
{
	const struct history_child *known;
	struct child_id id;

	if (child->gone) {
		known = history_child_of(&collection->bads->history, collection->boot, child->dev);
		child->name = record_find(child->dev);
		if (!child->name && known)
			child->name = copy_text(known->child);
	}
	if (!child->name)
		child->name = block_name(child->dev);
	id = (struct child_id){ child->name, child->dev, child->gone };
	child->namespace = namespace_find(&id, &collection->bads->history);
}

static void add_child(struct collection *collection, dev_t dev)
{
	struct bads *bads = collection->bads;
	struct bad_child child = { .dev = dev, .gone = !block_exists(dev) };
	size_t number = bads->nr_children;

	identify(collection, &child);
	child.recorded = record_read(&child.record, child.name);
	bads->children = grow(bads->children, number, sizeof(child));
	bads->children[bads->nr_children++] = child;
	if (child.gone) {
		add_range(collection, number, 0, UINT64_MAX, BAD_GONE);
		return;
	}
	add_badblocks(collection, number);
	add_record(collection, number);
	add_history(collection, number);
}

/* Widen the time in which a range has failed. */
static void set_times(struct bad *bad, const char *first, const char *last)
{
	if (!bad->since[0] || strcmp(first, bad->since) < 0)
		snprintf(bad->since, sizeof(bad->since), "%s", first);
	if (strcmp(last, bad->last) > 0)
		snprintf(bad->last, sizeof(bad->last), "%s", last);
}

static void apply_event(struct bad *bad, const struct record_event *event)
{
	char *time = clock_text(event->time_ns);

	bad->events++;
	set_times(bad, time, time);
	strcpy(bad->result, event->result);
	bad->shutdown |= record_event_has(event, "shutdown");
	free(time);
}

static void apply_history(struct bad *bad, const struct history_range *range, uint64_t bytes,
			  const char *boot)
{
	if (is_quarantined(range))
		bad->quarantined_bytes += bytes;
	bad->lost |= is_lost(range);
	bad->earlier += range->count;
	bad->same_boot |= !strcmp(range->boot, boot);
	set_times(bad, range->first, range->last);
	/* That of an event, which is newer, comes later. */
	snprintf(bad->result, sizeof(bad->result), "%s", range->result ?: "");
	bad->history = range;
}

/* Enter an event or a range of the history in all ranges of the device that it hit. */
static void apply(struct collection *collection, size_t child, uint64_t first, uint64_t nr,
		  const struct record_event *event, const struct history_range *range)
{
	struct bads *bads = collection->bads;
	struct layout parts = { 0 };
	size_t i, j;

	above_find(&collection->above, bads->children[child].dev, first, nr, &parts);
	for (i = 0; i < bads->nr; i++) {
		struct bad *bad = &bads->bads[i];
		uint64_t bytes = 0;

		for (j = 0; j < parts.nr; j++)
			bytes += shared(bad->start_bytes, bad->len_bytes,
					parts.segments[j].start_sectors * SECTOR,
					parts.segments[j].len_sectors * SECTOR);
		if (!bytes || bad->child != child)
			continue;
		if (event)
			apply_event(bad, event);
		else if (range && bad->known_by & BAD_HISTORY)
			apply_history(bad, range, bytes, collection->boot);
	}
	layout_free(&parts);
}

/* Enter when and how often each range has failed, and what became of that. */
static void apply_child(struct collection *collection, size_t number)
{
	const struct bad_child *child = &collection->bads->children[number];
	const struct history_range **ranges;
	size_t nr, i;

	if (!child->gone) {
		nr = history_find(&collection->bads->history, child->name, child->namespace,
				  &ranges);
		for (i = 0; i < nr; i++)
			apply(collection, number, ranges[i]->sector, ranges[i]->sectors, NULL,
			      ranges[i]);
		free(ranges);
	}
	for (i = 0; i < child->record.nr_events; i++) {
		const struct record_event *event = &child->record.events[i];

		if (record_event_has(event, "gone") != child->gone)
			continue;
		apply(collection, number, event->sector, child->gone ? UINT64_MAX : event->sectors,
		      event, NULL);
	}
}

/* Collect all recorded bad ranges of a device, sorted and joined. */
void bads_collect(struct bads *bads, const struct stack *stack, const struct device *device)
{
	struct collection collection = { .bads = bads, .boot = kernel_boot() };
	dev_t *disks;
	size_t nr, i;

	above_begin(&collection.above, stack, device);
	bads->unknown = collection.above.unknown;
	history_load(&bads->history, HISTORY_FOLDER);
	nr = above_disks(&collection.above, &disks);
	for (i = 0; i < nr; i++)
		add_child(&collection, disks[i]);
	bads_merge(bads);
	for (i = 0; i < nr; i++)
		apply_child(&collection, i);
	above_end(&collection.above);
	free(collection.boot);
	free(disks);
}

void bads_free(struct bads *bads)
{
	size_t i;

	for (i = 0; i < bads->nr_children; i++) {
		free(bads->children[i].name);
		free(bads->children[i].namespace);
		record_free(&bads->children[i].record);
	}
	free(bads->children);
	free(bads->bads);
	history_free(&bads->history);
	*bads = (struct bads){ 0 };
}
