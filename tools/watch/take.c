// SPDX-License-Identifier: GPL-2.0
/* What is new of a child: in the kernel's record, and in the list of its driver. */
#include <stdio.h>
#include <string.h>

#include "sys/sysfs.h"
#include "util/alloc.h"
#include "util/clock.h"
#include "watch/watcher.h"

/* How long the result of a failure is waited for: a handler may wait for a suspended device. */
#define PENDING		(3 * SEC)

static void add_news(struct watcher *watcher, struct watched *child,
		     const struct record_event *event, const char *source)
{
	watcher->news = grow(watcher->news, watcher->nr_news, sizeof(*watcher->news));
	watcher->news[watcher->nr_news++] = (struct news){ child, *event, source };
}

static bool overlap(const struct record_range *bad, size_t nr, uint64_t sector, uint64_t sectors)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (bad[i].sector < sector + sectors &&
		    sector < bad[i].sector + bad[i].sectors)
			return true;
	return false;
}

/* Whether what an event was about is bad still. */
static bool is_bad_still(const struct record *record, const struct record_event *event)
{
	if (!event->sectors)
		return record->gone;
	return record->overflow ||
	       overlap(record->ranges, record->nr_ranges, event->sector, event->sectors);
}

/*
 * Take the events that were not seen yet, in their order.  One whose result is not known holds back
 * those after it, so that what was done ends at one number; false if there is such a one.
 */
bool take_events(struct watcher *watcher, struct watched *child, const struct record *record)
{
	size_t i;

	for (i = 0; i < record->nr_events; i++) {
		const struct record_event *event = &record->events[i];

		if (event->seq <= child->seen)
			continue;
		if (!strcmp(event->result, "pending")) {
			if (child->pending != event->seq) {
				child->pending = event->seq;
				child->until = clock_monotonic() + PENDING;
			}
			if (clock_monotonic() < child->until)
				return false;
		}
		child->seen = event->seq;
		/* Of one device only what still matters is looked back at. */
		if (watcher->started || is_global(watcher) || is_bad_still(record, event))
			add_news(watcher, child, event, event->sectors ? "record" : "gone");
	}
	child->pending = 0;
	return true;
}

/* The first sector from @sector on that the ranges of the history do not have, or @end. */
static uint64_t next_unknown(const struct history_range **ranges, size_t nr, uint64_t sector,
			     uint64_t end)
{
	size_t i;

	for (i = 0; i < nr && sector < end; i++)
		if (sector - ranges[i]->sector < ranges[i]->sectors) {
			sector = ranges[i]->sector + ranges[i]->sectors;
			i = -1;
		}
	return sector < end ? sector : end;
}

/* The first sector after @sector that they have, or @end. */
static uint64_t next_known(const struct history_range **ranges, size_t nr, uint64_t sector,
			   uint64_t end)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (ranges[i]->sectors && ranges[i]->sector > sector && ranges[i]->sector < end)
			end = ranges[i]->sector;
	return end;
}

/* Take what is bad and has no event: newer ones have taken its place, or a driver has found it. */
void take_rest(struct watcher *watcher, struct watched *child,
	       const struct record_range *bad, size_t nr_bad, const char *source,
	       const char *result)
{
	const struct history_range **ranges;
	size_t nr, i;

	nr = history_find(&watcher->history, child->id.disk, child_namespace(child), &ranges);
	for (i = 0; i < nr_bad; i++) {
		uint64_t end = bad[i].sector + bad[i].sectors, first, last;

		for (first = bad[i].sector; first < end; first = last) {
			struct record_event event = { .time_ns = clock_now() };

			first = next_unknown(ranges, nr, first, end);
			last = next_known(ranges, nr, first, end);
			if (first == end)
				break;
			event.sector = first;
			event.sectors = last - first;
			snprintf(event.result, sizeof(event.result), "%s", result);
			add_news(watcher, child, &event, source);
		}
	}
	free(ranges);
}

/* The driver's list, as the record has its ranges. */
size_t read_badblocks(const char *disk, struct record_range **ranges)
{
	char *text = read_text("/sys/block/%s/badblocks", disk), *rest = text, *line;
	uintmax_t sector, sectors;
	size_t nr = 0;

	*ranges = NULL;
	while ((line = strsep(&rest, "\n")))
		if (sscanf(line, "%ju %ju", &sector, &sectors) == 2) {
			*ranges = grow(*ranges, nr, sizeof(**ranges));
			(*ranges)[nr++] = (struct record_range){ sector, sectors };
		}
	free(text);
	return nr;
}

/* Drop what was bad in this boot and is good again, and that a child is gone if it is back. */
void drop_good(struct watcher *watcher, const struct watched *child,
	       const struct record *record, const struct record_range *bad, size_t nr_bad)
{
	const struct history_range **ranges;
	size_t nr;

	nr = history_find(&watcher->history, child->id.disk, child_namespace(child), &ranges);
	/* From the end, as the removal of one moves those after it. */
	while (nr--) {
		const struct history_range *range = ranges[nr];
		bool now = !strcmp(range->boot, watcher->boot) && !strcmp(range->state, "bad");

		if (!strcmp(range->source, "gone") ? record->gone :
		    !strcmp(range->source, "media") ? !now ||
			overlap(bad, nr_bad, range->sector, range->sectors) :
		    !now || record->overflow ||
			overlap(record->ranges, record->nr_ranges, range->sector, range->sectors))
			continue;
		history_remove(&watcher->history, range);
		watcher->changed = true;
	}
	free(ranges);
}
