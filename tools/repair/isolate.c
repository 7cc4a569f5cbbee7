// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "fs/blocks.h"
#include "repair/books.h"
#include "repair/clear.h"
#include "repair/good.h"
#include "repair/isolate.h"
#include "util/say.h"

static bool quarantine_has(const struct scene *scene, const struct owners *owners)
{
	size_t i;

	for (i = 0; i < owners->nr; i++)
		if (scene_is_quarantined(scene, &owners->owners[i]))
			return true;
	return false;
}

/* Give the quarantine a share of the bad block.  Returns the name of its file, or NULL. */
static char *share_bad(struct job *job, const struct bad_block *bad, size_t len,
		       const struct media_range *media)
{
	struct quarantine_entry entry = {
		.place = bad->place,
		.media = media,
		.path = job->options->path,
		.offset = bad->offset,
	};
	int fd = quarantine_scratch(&job->quarantine, file_uses_dax(job->contents.fd));
	char *name = NULL;
	uint64_t place;

	if (fd < 0)
		return NULL;
	if (block_share(job->contents.fd, bad->offset, len, fd, 0)) {
		errno = ESTALE;
		if (block_find(fd, 0, &place) == BLOCK_WRITTEN && place == bad->place)
			name = quarantine_keep(&job->quarantine, fd, &entry);
	}
	close(fd);
	return name;
}

/* Try to clear a block that the quarantine alone has, and release it then. */
static bool clear_in_quarantine(struct job *job, const char *name, const struct media_range *media)
{
	int fd = openat(job->quarantine.folder, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	bool cleared;

	if (fd < 0)
		return false;
	cleared = clear_in_place(job, fd, 0, job->contents.block, media) == CLEARED;
	close(fd);
	return cleared && quarantine_release(&job->quarantine, name);
}

/* Replace a bad block in all its files, and keep it. */
bool isolate_block(struct job *job, const struct bad_block *bad,
		   const struct media_range *media, struct owners *owners, bool tried)
{
	uint64_t offset = bad->offset;
	bool is_tail = job->contents.size - offset < job->contents.block;
	size_t len = is_tail ? job->contents.size - offset : job->contents.block;
	char *name = NULL;

	if (!job->scene->xfs.reflink && !tried && is_tail) {
		note("%s at 0x%jx: the last block can be cleared only if no other process has the file open: end those (fuser %s), and run the command again",
		     job->options->path, (uintmax_t)offset, job->options->path);
		return false;
	}
	if (!job->scene->xfs.reflink) {
		note("%s at 0x%jx: the platform does not clear it, and this XFS has no reflink, so no other block can take its place: restore %s under another name and keep the old file, or move the data to an XFS with reflink",
		     job->options->path, (uintmax_t)offset, job->options->path);
		return false;
	}
	if (!quarantine_has(job->scene, owners)) {
		name = share_bad(job, bad, len, media);
		if (!name) {
			note("%s at 0x%jx: can't be put into quarantine: %s", job->options->path,
			     (uintmax_t)offset, job_reason(errno));
			return false;
		}
	}
	if (!good_give_others(job, owners))
		return false;
	if (!good_give(job, job->contents.fd, offset, is_tail)) {
		note("%s at 0x%jx: %s", job->options->path, (uintmax_t)offset, job_reason(errno));
		return false;
	}
	if (name && !tried && clear_in_quarantine(job, name, media)) {
		printf("%s at 0x%jx: replaced, and the bad block is cleared\n", job->options->path,
		       (uintmax_t)offset);
		scene_forget(job->scene, bad->place);
		books_repaired(media);
	} else {
		printf("%s at 0x%jx: replaced, and the bad block is in quarantine\n",
		       job->options->path, (uintmax_t)offset);
		books_quarantined(media);
	}
	free(name);
	return true;
}
