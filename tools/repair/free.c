// SPDX-License-Identifier: GPL-2.0
/*
 * The bad blocks are allocated first, and the quarantine is made then: XFS might take one of them
 * for the inode of the folder.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/blocks.h"
#include "repair/books.h"
#include "repair/free.h"
#include "repair/job.h"
#include "repair/quarantine.h"
#include "repair/reach.h"
#include "util/alloc.h"
#include "util/say.h"

/* Blocks that are allocated before the quarantine is opened: each needs a descriptor. */
#define CAUGHT_MAX	256

/* A bad block in a file without a name. */
struct caught {
	int fd;
	uint64_t offset;
	uint64_t place;
	struct media_range media;
};

/* Try to clear a reserved block by a write, which zeroes it first. */
static bool clear(const struct caught *caught, uint64_t block)
{
	char *zeros = calloc(1, block), *back = malloc(block);
	bool done = zeros && back && media_list(&caught->media) &&
		    block_write(caught->fd, zeros, block, caught->offset) &&
		    !media_is_listed(&caught->media) &&
		    block_read(caught->fd, back, block, caught->offset) &&
		    !memcmp(zeros, back, block);

	free(zeros);
	free(back);
	return done;
}

/* Clear a block, or put it into quarantine; whether either worked. */
static bool settle_block(struct scene *scene, const struct quarantine *quarantine,
			 const struct caught *caught)
{
	struct quarantine_entry entry = {
		.place = caught->place,
		.media = &caught->media,
		.path = "free space",
	};
	char *name;

	if (clear(caught, scene->xfs.block_bytes)) {
		printf("0x%jx: cleared\n", (uintmax_t)caught->place);
		scene_forget(scene, caught->place);
		books_repaired(&caught->media);
		return true;
	}
	name = quarantine_keep(quarantine, caught->fd, &entry);
	if (!name) {
		note("0x%jx: %s", (uintmax_t)caught->place, strerror(errno));
		return false;
	}
	printf("0x%jx: in quarantine, as %s\n", (uintmax_t)caught->place, name);
	books_quarantined(&caught->media);
	free(name);
	return true;
}

static bool settle_all(struct scene *scene, const struct caught *caught, size_t nr)
{
	struct quarantine quarantine;
	bool done = true;
	size_t i;

	if (!nr)
		return true;
	if (!quarantine_open(&quarantine, scene->root))
		die(EXIT_FAILED, "%s/" QUARANTINE ": %s", scene->mount.folder, strerror(errno));
	for (i = 0; i < nr; i++) {
		done = settle_block(scene, &quarantine, &caught[i]) && done;
		close(caught[i].fd);
	}
	quarantine_close(&quarantine);
	return done;
}

/* Whether a block is free, in part at least. */
static bool is_free(const struct scene *scene, uint64_t place)
{
	size_t i;

	for (i = 0; i < scene->owners.nr; i++) {
		const struct owner *owner = &scene->owners.owners[i];

		if (owner->start_bytes < place + scene->xfs.block_bytes &&
		    place < owner->start_bytes + owner->len_bytes && scene_is_free(owner))
			return true;
	}
	return false;
}

/* List the bad blocks of free space, each once.  The caller frees the list. */
static size_t list_blocks(const struct scene *scene, uint64_t **places)
{
	uint64_t block = scene->xfs.block_bytes, at, next = 0;
	size_t nr = 0, i;

	*places = NULL;
	/* Bad ranges are in order. */
	for (i = 0; i < scene->bads.nr; i++) {
		const struct bad *bad = &scene->bads.bads[i];

		if (bad->known_by & BAD_GONE)
			continue;
		for (at = bad->start_bytes / block * block;
		     at < bad->start_bytes + bad->len_bytes; at += block) {
			if (at < next || !is_free(scene, at))
				continue;
			next = at + block;
			*places = grow(*places, nr, sizeof(**places));
			(*places)[nr++] = at;
		}
	}
	return nr;
}

/**
 * free_repair - clear the bad blocks of free space, or keep them from files
 * @scene: What is bad.
 *
 * Return: The command's exit code.
 */
int free_repair(struct scene *scene)
{
	struct caught caught[CAUGHT_MAX];
	uint64_t *places;
	size_t nr = list_blocks(scene, &places), nr_caught = 0, i;
	bool done = true;

	if (!nr)
		puts("no block of free space is bad");
	else if (faccessat(scene->root, ".", W_OK, AT_EACCESS))
		die(EXIT_FAILED, "%s: %s", scene->mount.folder, job_reason(errno));
	for (i = 0; i < nr; i++) {
		struct caught *new = &caught[nr_caught];

		new->place = places[i];
		if (!scene_media(scene, new->place, &new->media))
			continue;
		new->fd = reach_block(scene, new->place, &new->offset);
		if (new->fd >= 0) {
			nr_caught++;
		} else {
			note("0x%jx: XFS did not hand it out: no file has a block before it in its allocation group that could be shared, or it is in use by now; try again when the group has more files",
			     (uintmax_t)new->place);
			done = false;
		}
		if (nr_caught == CAUGHT_MAX) {
			done = settle_all(scene, caught, nr_caught) && done;
			nr_caught = 0;
		}
	}
	done = settle_all(scene, caught, nr_caught) && done;
	free(places);
	books_close();
	return done ? EXIT_DONE : EXIT_FAILED;
}
