// SPDX-License-Identifier: GPL-2.0
#include "util/alloc.h"
#include "health/bad.h"

void bads_add(struct bads *bads, const struct bad *bad)
{
	bads->bads = grow(bads->bads, bads->nr, sizeof(*bad));
	bads->bads[bads->nr++] = *bad;
}

static int by_start(const void *left, const void *right)
{
	const struct bad *a = left, *b = right;

	return a->start_bytes < b->start_bytes ? -1 : a->start_bytes > b->start_bytes;
}

/* Whether b overlaps a or follows it, in the device and on the child. b does not start before a. */
static bool touch(const struct bad *a, const struct bad *b)
{
	uint64_t apart = b->start_bytes - a->start_bytes;

	return apart <= a->len_bytes && a->dev == b->dev &&
	       b->offset_bytes - a->offset_bytes == apart;
}

/* Sort the ranges, and join those that touch. */
void bads_merge(struct bads *bads)
{
	size_t nr = 0, i;

	if (!bads->nr)
		return;
	qsort(bads->bads, bads->nr, sizeof(*bads->bads), by_start);
	for (i = 1; i < bads->nr; i++) {
		struct bad *last = &bads->bads[nr], *bad = &bads->bads[i];
		uint64_t end = bad->start_bytes + bad->len_bytes;

		if (!touch(last, bad)) {
			bads->bads[++nr] = *bad;
			continue;
		}
		if (end > last->start_bytes + last->len_bytes)
			last->len_bytes = end - last->start_bytes;
		last->known_by |= bad->known_by;
	}
	bads->nr = nr + 1;
}

/* Whether a repair has set aside all of a range, so that nothing uses it any more. */
bool bad_is_quarantined(const struct bad *bad)
{
	return bad->quarantined_bytes >= bad->len_bytes;
}

/* Whether there is a range that a repair has not set aside. */
bool bads_are_damage(const struct bads *bads)
{
	size_t i;

	for (i = 0; i < bads->nr; i++)
		if (!bad_is_quarantined(&bads->bads[i]))
			return true;
	return false;
}

const char *bad_known_by(const struct bad *bad)
{
	if (bad->known_by & BAD_GONE)
		return "gone";
	if (bad_is_quarantined(bad))
		return "quarantined";
	if (bad->known_by & BAD_MEDIA)
		return bad->known_by & (BAD_RECORD | BAD_HISTORY) ? "media, failure" : "media";
	if (bad->known_by & BAD_RECORD)
		return "failure";
	return bad->lost ? "lost" : "history";
}

/* The number of failures that a range has had, as far as they are known. */
uint64_t bad_count(const struct bad *bad)
{
	if (bad->same_boot)
		return bad->events > bad->earlier ? bad->events : bad->earlier;
	return bad->events + bad->earlier;
}
