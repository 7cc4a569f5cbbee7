// SPDX-License-Identifier: GPL-2.0
/*
 * From news to alerts: where each is in which device, and whose data that was.  An event goes to
 * the journal first.  One write of the history then has both that it was alerted about and what
 * the hooks are to be run for, so that a process which is killed leaves both or neither to the
 * next one.
 */
#include <stdio.h>
#include <string.h>

#include "device/dm.h"
#include "util/alloc.h"
#include "util/clock.h"
#include "util/size.h"
#include "watch/journal.h"
#include "watch/place.h"
#include "watch/watcher.h"

/* Give an alert to the ways that have not had it yet. */
void publish(struct watcher *watcher, const struct alert *alert, bool journal, bool hooks)
{
	if (journal) {
		watcher->options->print(alert);
		if (is_global(watcher))
			journal_send(alert);
	}
	if (hooks && is_global(watcher)) {
		watcher->last = clock_monotonic();
		if (!watcher->summary.nr)
			watcher->first = watcher->last;
		summary_add(&watcher->summary, alert);
	}
}

/* Enter a child, and how far it was alerted about, in the history. */
void keep_child(struct watcher *watcher, const struct watched *child)
{
	const struct identity *id = &child->id;

	history_set_child(&watcher->history, &(struct history_child){
		.child = id->disk,
		.namespace = id->namespace[0] ? id->namespace : NULL,
		.name = id->name[0] ? id->name : NULL,
		.dev = id->dev,
		.boot = watcher->boot,
		.seq = child->done,
		.time_ns = child->done_ns,
	});
	watcher->changed = true;
}

static void keep_range(struct watcher *watcher, const struct news *news, char * const *owners,
		       size_t nr_owners)
{
	char *time = clock_text(news->event.time_ns);

	history_add(&watcher->history, &(struct history_range){
		.child = news->child->id.disk,
		.namespace = child_namespace(news->child),
		.sector = news->event.sector,
		.sectors = news->event.sectors,
		.first = time,
		.last = time,
		.count = 1,
		.source = news->source,
		.result = news->event.result,
		.boot = watcher->boot,
		.state = "bad",
	}, owners, nr_owners);
	watcher->changed = true;
	free(time);
}

/* What is new in a device. */
struct owned {
	struct bads bads;
	struct report report;
};

/* A part of an event in a device. */
struct piece {
	size_t news;
	size_t place;	/* SIZE_MAX if no device maps it */
	size_t bad;	/* in the device's list */
};

struct pieces {
	struct piece *pieces;
	size_t nr;
};

static void add_piece(struct pieces *pieces, size_t news, size_t place, size_t bad)
{
	pieces->pieces = grow(pieces->pieces, pieces->nr, sizeof(*pieces->pieces));
	pieces->pieces[pieces->nr++] = (struct piece){ news, place, bad };
}

/* The number of a child in a list of bad ranges. */
static size_t bad_child(struct bads *bads, const struct watched *child, bool gone)
{
	size_t i;

	for (i = 0; i < bads->nr_children; i++)
		if (!strcmp(bads->children[i].name, child->id.disk)) {
			bads->children[i].gone |= gone;
			return i;
		}
	bads->children = grow(bads->children, bads->nr_children, sizeof(*bads->children));
	bads->children[bads->nr_children] = (struct bad_child){
		.dev = child->id.dev,
		.name = copy_text(child->id.disk),
		.namespace = child->id.namespace[0] ? copy_text(child->id.namespace) : NULL,
		.gone = gone,
	};
	return bads->nr_children++;
}

/* An event as a bad range, without its place. */
static struct bad bad_of(const struct news *news)
{
	const struct record_event *event = &news->event;
	struct bad bad = {
		.dev = news->child->id.dev,
		.len_bytes = event->sectors * SECTOR,
		.offset_bytes = event->sector * SECTOR,
		.known_by = !event->sectors ? BAD_GONE :
			    strcmp(news->source, "media") ? BAD_RECORD : BAD_MEDIA,
		.events = 1,
		.shutdown = record_event_has(event, "shutdown"),
	};
	char *time = clock_text(event->time_ns);

	snprintf(bad.since, sizeof(bad.since), "%s", time);
	snprintf(bad.last, sizeof(bad.last), "%s", time);
	snprintf(bad.result, sizeof(bad.result), "%s", event->result);
	free(time);
	return bad;
}

/* Find where an event is in each device that maps it. */
static void find_pieces(const struct watcher *watcher, size_t number, const struct places *places,
			struct owned *owned, struct pieces *pieces)
{
	const struct watch_options *options = watcher->options;
	const struct news *news = &watcher->news[number];
	uint64_t sector = news->event.sector, sectors = news->event.sectors;
	dev_t disk = news->child->id.dev;
	struct bad bad = bad_of(news);
	size_t nr, *found, i, j;

	nr = places_find(places, disk, sector, sectors ?: UINT64_MAX / SECTOR, options->devs,
			 options->nr, &found);
	for (i = 0; i < nr; i++) {
		struct bads *bads = &owned[found[i]].bads;
		struct layout parts = { 0 };

		bad.child = bad_child(bads, news->child, !sectors);
		if (sectors)
			above_find(&places->devices[found[i]], disk, sector, sectors, &parts);
		else
			layout_add(&parts, &(struct segment){ .dev = disk });
		for (j = 0; j < parts.nr; j++) {
			bad.start_bytes = parts.segments[j].start_sectors * SECTOR;
			bad.len_bytes = parts.segments[j].len_sectors * SECTOR;
			bad.dev = parts.segments[j].dev;
			bad.offset_bytes = parts.segments[j].offset_sectors * SECTOR;
			bads_add(bads, &bad);
			add_piece(pieces, number, found[i], bads->nr - 1);
		}
		layout_free(&parts);
	}
	if (!nr && is_global(watcher))
		add_piece(pieces, number, SIZE_MAX, 0);
	free(found);
}

/* Whether a query of the filesystem would wait for a resume. */
static bool is_suspended(const struct above *place)
{
	struct mapped mapped;
	size_t i;

	for (i = 0; i < place->nr_floors; i++) {
		if (!dm_find_number(place->floors[i]->dev, &mapped))
			continue;
		free(mapped.name);
		free(mapped.uuid);
		if (mapped.suspended)
			return true;
	}
	return false;
}

/* Find the owners of all that is new in a device at once: for a path, all files are looked at. */
static void find_owners(struct owned *owned, const struct above *place)
{
	if (owned->bads.nr && is_suspended(place))
		owned->report = (struct report){
			.bads = &owned->bads,
			.unknown = copy_text("the device is suspended"),
		};
	else if (owned->bads.nr)
		report_find(&owned->report, place->device, &owned->bads);
}

static struct alert *piece_alert(const struct watcher *watcher, const struct piece *piece,
				 uint64_t part, const struct places *places,
				 const struct owned *owned)
{
	const struct news *news = &watcher->news[piece->news];
	struct origin origin = {
		&news->child->id, &news->event, news->source, watcher->boot, part
	};
	struct bad bad = bad_of(news);

	if (piece->place == SIZE_MAX)
		return alert_failure(&origin, NULL, NULL, &bad);
	owned += piece->place;
	return alert_failure(&origin, places->devices[piece->place].device, &owned->report,
			     &owned->bads.bads[piece->bad]);
}

/* Publish the pieces of an event, which are the first ones here, and return how many these are. */
static size_t publish_event(struct watcher *watcher, size_t number, const struct places *places,
			    const struct owned *owned, const struct piece *pieces, size_t nr)
{
	const struct news *news = &watcher->news[number];
	struct watched *child = news->child;
	uint64_t seq = news->event.seq;
	char **owners = NULL;
	size_t nr_owners = 0, i, j;

	for (i = 0; i < nr && pieces[i].news == number; i++) {
		struct alert *alert = piece_alert(watcher, &pieces[i], i + 1, places, owned);

		publish(watcher, alert, !seq || seq > child->journaled ||
			(seq == child->journaled && i + 1 > child->parts),
			!seq || seq > child->done);
		for (j = 0; j < alert->nr_owners; j++) {
			owners = grow(owners, nr_owners, sizeof(char *));
			owners[nr_owners++] = copy_text(alert->owners[j]);
		}
		alert_free(alert);
	}
	if (!seq || seq > child->done)
		keep_range(watcher, news, owners, nr_owners);
	if (seq > child->done) {
		child->done = seq;
		child->done_ns = news->event.time_ns;
		keep_child(watcher, child);
	}
	for (j = 0; j < nr_owners; j++)
		free(owners[j]);
	free(owners);
	return i;
}

/* Publish all news. */
void publish_news(struct watcher *watcher)
{
	struct pieces pieces = { 0 };
	struct owned *owned = NULL;
	struct places places;
	struct stack stack;
	size_t i, done = 0;

	if (!watcher->nr_news)
		return;
	stack_read(&stack);
	places_read(&places, &stack);
	for (i = 0; i < places.nr; i++) {
		owned = grow(owned, i, sizeof(*owned));
		owned[i] = (struct owned){ 0 };
	}
	for (i = 0; i < watcher->nr_news; i++)
		find_pieces(watcher, i, &places, owned, &pieces);
	for (i = 0; i < places.nr; i++)
		find_owners(&owned[i], &places.devices[i]);
	for (i = 0; i < watcher->nr_news; i++)
		done += publish_event(watcher, i, &places, owned, pieces.pieces + done,
				      pieces.nr - done);
	for (i = 0; i < places.nr; i++) {
		report_free(&owned[i].report);
		bads_free(&owned[i].bads);
	}
	free(owned);
	free(pieces.pieces);
	places_free(&places);
	stack_free(&stack);
	free(watcher->news);
	watcher->news = NULL;
	watcher->nr_news = 0;
}
