// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/param.h>

#include "replace/lost.h"
#include "repair/books.h"
#include "repair/media.h"
#include "sys/nd.h"
#include "sys/sysfs.h"
#include "util/alloc.h"
#include "util/printable.h"
#include "util/say.h"
#include "util/size.h"

/* What of a bad range is on the child: the part from here to there, as offsets on it. */
static bool on_child(const struct bad *bad, const struct place *old, uint64_t *start,
		     uint64_t *end)
{
	*start = MAX(bad->start_bytes, old->start_bytes);
	*end = MIN(bad->start_bytes + bad->len_bytes, old->start_bytes + old->len_bytes);
	if (*start >= *end)
		return false;
	*start += old->offset_bytes - old->start_bytes;
	*end += old->offset_bytes - old->start_bytes;
	return true;
}

/* Enter what is known to be bad of a child, which is not read. */
void lost_find_bad(struct copy *copy, const struct bads *bads, const struct place *old)
{
	uint64_t start, end;
	size_t i;

	map_begin(&copy->bad, old->offset_bytes, old->len_bytes);
	for (i = 0; i < bads->nr; i++)
		if (on_child(&bads->bads[i], old, &start, &end))
			map_mark(&copy->bad, start, end - start, MAP_BAD);
}

/* The range of a child, as the records of its disk have it. */
static void as_media(const struct place *place, struct media_range *media)
{
	char *disk = block_name(block_disk(place->dev));

	*media = (struct media_range){
		.sector = block_start(place->dev) + place->offset_bytes / SECTOR,
		.sectors = place->len_bytes / SECTOR,
	};
	snprintf(media->disk, sizeof(media->disk), "%s", disk);
	free(disk);
}

static void as_history(const struct media_range *media, struct history_range *range,
		       struct pmem *pmem)
{
	*pmem = (struct pmem){ 0 };
	*range = (struct history_range){
		.child = media->disk, .sector = media->sector, .sectors = media->sectors,
	};
	if (nd_find(media->disk, pmem) && pmem->uuid[0])
		range->namespace = pmem->uuid;
}

static bool overlap(const struct media_range *media, uint64_t sector, uint64_t sectors)
{
	return sector < media->sector + media->sectors && media->sector < sector + sectors;
}

/* Whether a list has a sector of a range: the driver's, the record's, or the history. */
static const char *find_list(const struct media_range *media)
{
	const struct history_range **ranges;
	struct history_range range;
	const char *found = NULL;
	struct history history;
	struct record record;
	struct pmem pmem;
	size_t nr, i;

	if (media_is_listed(media))
		return "its driver lists bad blocks";
	if (record_read(&record, media->disk))
		for (i = 0; i < record.nr_ranges; i++)
			if (overlap(media, record.ranges[i].sector, record.ranges[i].sectors))
				found = "pages of it have failed";
	record_free(&record);
	as_history(media, &range, &pmem);
	history_load(&history, HISTORY_FOLDER);
	nr = history_find(&history, range.child, range.namespace, &ranges);
	for (i = 0; i < nr; i++)
		if (strcmp(ranges[i]->state, "lost") && strcmp(ranges[i]->source, "gone") &&
		    overlap(media, ranges[i]->sector, ranges[i]->sectors))
			found = "pages of it failed before, by the history";
	free(ranges);
	history_free(&history);
	return found;
}

/* What says that a device is bad itself where it would be used; NULL if nothing does. */
const char *lost_is_bad(const struct place *new)
{
	struct media_range media;

	as_media(new, &media);
	return find_list(&media);
}

static void settled(const struct history_range *range, const char *owner)
{
	if (!history_settled(HISTORY_FOLDER, range, owner))
		die(EXIT_FAILED, HISTORY_FOLDER ": %s: it could not be noted what is lost",
		    strerror(errno));
}

/* The bad range that has a place of a child, NULL if none does; *next is where that changes. */
static const struct bad *find_bad(const struct bads *bads, const struct place *old, uint64_t at,
				  uint64_t *next)
{
	uint64_t start, end;
	size_t i;

	for (i = 0; i < bads->nr; i++) {
		if (!on_child(&bads->bads[i], old, &start, &end))
			continue;
		if (start <= at && at < end) {
			*next = MIN(*next, end);
			return &bads->bads[i];
		}
		if (start > at)
			*next = MIN(*next, start);
	}
	return NULL;
}

/*
 * Note what is lost for the history, in the place of the new child.  What is in quarantine belongs
 * to no file, so nothing is lost with it.
 */
void lost_note(const struct copy *copy, const struct bads *bads, const struct place *old,
	       const struct place *new)
{
	struct history_range range;
	struct media_range media;
	struct pmem pmem;
	uint64_t first;
	size_t i;

	as_media(new, &media);
	as_history(&media, &range, &pmem);
	first = range.sector;
	/* All of it was written: what it has lost in another set does not count any more. */
	settled(&range, NULL);
	range.state = "lost";
	for (i = 0; i < copy->map.nr; i++) {
		uint64_t at = copy->map.ranges[i].start_bytes, next;
		uint64_t end = at + copy->map.ranges[i].len_bytes;

		for (; copy->map.ranges[i].state == MAP_BAD && at < end; at = next) {
			const struct bad *bad = find_bad(bads, old, at, (next = end, &next));
			const char *owner = bad && bad->history ?
					    history_owner(bad->history, 0) : NULL;
			char *text = owner ? printable(owner) : NULL;

			if (!bad || !bad_is_quarantined(bad)) {
				range.sector = first + (at - old->offset_bytes) / SECTOR;
				range.sectors = (next - at) / SECTOR;
				settled(&range, text);
			}
			free(text);
		}
	}
	books_close();
}
