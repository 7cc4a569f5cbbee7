// SPDX-License-Identifier: GPL-2.0

#include <string.h>

#include "repair/books.h"
#include "repair/settle.h"

/* Whether a record has it as a failure that nothing was done about. */
static bool is_open(const struct bad *bad)
{
	return bad->known_by & BAD_RECORD ||
	       (bad->history && strcmp(bad->history->state, "quarantined"));
}

/* Change the records of ranges that are in quarantine, and recorded as failures. */
void settle(const struct scene *scene)
{
	uint64_t block = scene->xfs.block_bytes, at;
	struct media_range media;
	bool any = false;
	size_t i;

	for (i = 0; i < scene->bads.nr; i++) {
		const struct bad *bad = &scene->bads.bads[i];
		uint64_t first = bad->start_bytes / block * block;

		if (bad->known_by & BAD_GONE || !is_open(bad) ||
		    quarantined_bytes(&scene->quarantined, &scene->owners, bad, 0) < bad->len_bytes)
			continue;
		for (at = first; at < bad->start_bytes + bad->len_bytes; at += block) {
			if (!scene_media(scene, at, &media))
				continue;
			books_quarantined(&media);
			any = true;
		}
	}
	if (any)
		books_close();
}
