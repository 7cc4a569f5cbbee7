// SPDX-License-Identifier: GPL-2.0
/*
 * A block of one file is written over in place: the kernel asks the platform to clear the poison,
 * and refuses the write if it cannot.  Otherwise, with reflink, and for a block of several files:
 *
 *   1. The good data is written to a file without a name, synced, and read back.
 *   2. Another file without a name gets a share of the bad block, and a name in the quarantine.
 *      From now on the block cannot become free.
 *   3. Each other file that has the block gets a share of the good one in its place, then this one.
 *   4. The quarantine alone has the bad block now.  If the platform clears it, it is released.
 *   5. The records are changed.
 *
 * A kill before 3 leaves the files as they were: files without names end with this process, and a
 * share in the quarantine changes nothing in a file.  Each share of 3 is one transaction of XFS.
 * As this file comes last, it is listed as bad until all others are done, and the same command ends
 * what it began; a block that the quarantine has already is not shared again.  After 3 the block is
 * the quarantine's alone, and any later run changes the records: settle().
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/blocks.h"
#include "repair/books.h"
#include "repair/clear.h"
#include "repair/file.h"
#include "repair/isolate.h"
#include "repair/kept.h"
#include "util/say.h"

static bool repair_block(struct job *job, const struct bad_block *bad)
{
	bool is_tail = job->contents.size - bad->offset < job->contents.block;
	enum cleared cleared = NOT_TRIED;
	struct owners owners = { 0 };
	struct media_range media;
	enum block_state state;
	uint64_t place;
	bool done;

	if (!scene_media(job->scene, bad->place, &media) ||
	    !contents_wanted(&job->contents, bad->offset, job->data))
		return false;
	state = block_find(job->contents.fd, bad->offset, &place);
	if (state == BLOCK_UNKNOWN || state == BLOCK_HOLE || place != bad->place) {
		note("%s at 0x%jx: the file was changed meanwhile; run the command again",
		     job->options->path, (uintmax_t)bad->offset);
		return false;
	}
	if (!scene_find_owners(job->scene, &owners, bad->place, job->contents.block)) {
		note("%s: %s", job->scene->mount.folder, job_reason(errno));
		return false;
	}
	if (owners.nr == 1 && is_tail && state == BLOCK_WRITTEN)
		cleared = clear_on_device(job, bad, &media);
	else if (owners.nr == 1)
		cleared = clear_in_place(job, job->contents.fd, bad->offset, job->contents.block,
					 &media);
	if (cleared == CLEARED) {
		printf("%s at 0x%jx: cleared in place\n", job->options->path,
		       (uintmax_t)bad->offset);
		scene_forget(job->scene, bad->place);
		books_repaired(&media);
		done = true;
	} else if (state == BLOCK_RESERVED) {
		note("%s at 0x%jx: the platform does not clear it; the block was never written, so no data is lost, but XFS can't write to it",
		     job->options->path, (uintmax_t)bad->offset);
		done = false;
	} else {
		done = isolate_block(job, bad, &media, &owners, cleared == STAYS_BAD);
	}
	owners_free(&owners);
	return done;
}

static void open_quarantine(struct job *job)
{
	if (!job->scene->xfs.reflink)
		return;
	if (!quarantine_open(&job->quarantine, job->scene->root))
		die(EXIT_FAILED, "%s/" QUARANTINE ": %s", job->scene->mount.folder,
		    errno == EPERM ? "it is not root's; rename it" : job_reason(errno));
	job->has_quarantine = true;
}

/**
 * file_repair - write good data over the bad blocks of a file
 * @scene: What is bad.
 * @options: The file, and where the data comes from.
 *
 * Dies if the file or its backup is refused: then nothing was changed.
 *
 * Return: The command's exit code.
 */
int file_repair(struct scene *scene, const struct file_options *options)
{
	struct job job = { .scene = scene, .options = options };
	struct bad_block *blocks;
	struct kept kept;
	bool done = true;
	size_t i;

	job_open_file(&job);
	job_open_backup(&job);
	job.contents.nr_bad = scene_blocks(scene, job.status.st_ino, &blocks);
	job.contents.bad = blocks;
	/* Aligned for O_DIRECT. */
	job.data = aligned_alloc(job.contents.block, job.contents.block);
	job.back = malloc(job.contents.block);
	if (!job.data || !job.back)
		die(EXIT_FAILED, "%s", strerror(ENOMEM));
	job_check_backup(&job);
	job_check_rest(&job);
	if (!job.contents.nr_bad) {
		printf("%s: no block of it is bad\n", options->path);
		return EXIT_DONE;
	}
	open_quarantine(&job);
	kept_read(job.contents.fd, &kept);
	for (i = 0; i < job.contents.nr_bad; i++)
		done = repair_block(&job, &blocks[i]) && done;
	kept_restore(job.contents.fd, &kept);
	done = done && job_check_result(&job);
	job_check_name(&job);
	if (job.has_quarantine)
		quarantine_close(&job.quarantine);
	books_close();
	if (done)
		printf("%s: all of it can be read%s%s\n", options->path,
		       options->backup && !options->force ? ", and is as " : "",
		       options->backup && !options->force ? options->backup : "");
	return done ? EXIT_DONE : EXIT_FAILED;
}
