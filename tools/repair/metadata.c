// SPDX-License-Identifier: GPL-2.0
/*
 * Zeros are written over what is bad, so that the platform clears it, XFS replays its log, and
 * xfs_repair makes anew what was lost.  A kill between the steps leaves a filesystem that is not
 * mounted, and the same command goes on: it does not matter which blocks were cleared before.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "repair/books.h"
#include "repair/metadata.h"
#include "sys/pages.h"
#include "sys/sysfs.h"
#include "util/alloc.h"
#include "util/confirm.h"
#include "util/run.h"
#include "util/say.h"
#include "util/size.h"

/* Superblock, and three headers. */
#define HEADER_SECTORS	4

enum kind { METADATA, OF_A_FILE, FREE, UNKNOWN };

/* Ask xfs_db for the owner of a block, by the rmapbt. */
static enum kind ask_xfs_db(const struct scene *scene, const char *path, uint64_t place)
{
	uint64_t block = scene->xfs.block_bytes, blocks = scene->xfs.ag_bytes / block, number;
	uintmax_t group, first, len, offset;
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600), bmbt, attr;
	FILE *file = fd >= 0 ? fdopen(fd, "r+") : NULL;
	struct words words = { 0 };
	enum kind kind = UNKNOWN;
	unsigned int bits = 0;
	char line[256];
	intmax_t owner;

	if (!file)
		return UNKNOWN;
	while ((1ULL << bits) < blocks)
		bits++;
	number = (place / block / blocks << bits) + place / block % blocks;
	words_add(&words, "xfs_db");
	words_add(&words, "-r");
	words_add(&words, "-c");
	words_add(&words, "fsmap %ju %ju", (uintmax_t)number, (uintmax_t)number);
	words_add(&words, "%s", path);
	if (run_into(&words, fd)) {
		kind = FREE;
		rewind(file);
		while (fgets(line, sizeof(line), file)) {
			if (sscanf(line, "%*u: %ju/%ju len %ju owner %jd offset %ju bmbt %d attrfork %d",
				   &group, &first, &len, &owner, &offset, &bmbt, &attr) != 7)
				continue;
			kind = owner >= 0 && !bmbt && !attr ? OF_A_FILE : METADATA;
		}
	}
	fclose(file);
	return kind;
}

static enum kind find_kind(const struct scene *scene, const char *path, uint64_t place)
{
	if (place % scene->xfs.ag_bytes < HEADER_SECTORS * SECTOR)
		return METADATA;
	return ask_xfs_db(scene, path, place);
}

/* Write zeros over a block; whether it is good then. */
static bool clear(int fd, uint64_t place, uint64_t block, void *zeros,
		  const struct media_range *media)
{
	bool done = media_list(media) && block == (uint64_t)pwrite(fd, zeros, block, place) &&
		    !fsync(fd) && !media_is_listed(media);

	if (done)
		books_repaired(media);
	return done;
}

/* Mount it where no other process sees it, so that XFS replays its log. */
static bool replay_log(const char *path)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		      mount(path, "/run", "xfs", 0, NULL) || umount("/run"));
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	       !WEXITSTATUS(status);
}

/* Read the superblock, or a copy of it: each group begins with one. */
static bool find_geometry(struct scene *scene, const char *path)
{
	uint64_t size = block_sectors(scene->device->dev) * SECTOR, at;

	if (xfs_read_at(path, 0, &scene->xfs))
		return true;
	for (at = MIB; at < size; at += MIB)
		if (xfs_read_at(path, at, &scene->xfs) && at % scene->xfs.ag_bytes == 0)
			return true;
	return false;
}

static bool run_xfs_repair(const char *path, const char *option)
{
	struct words words = { 0 };

	words_add(&words, "xfs_repair");
	if (option)
		words_add(&words, "%s", option);
	words_add(&words, "%s", path);
	return run_program(&words);
}

static void stop(void)
{
	die(EXIT_FAILED, "stopped before this step; the same command goes on");
}

/* Clear what is bad of the metadata; whether all of it is good then. */
static bool clear_all(const struct scene *scene, const char *path, bool yes)
{
	uint64_t block = scene->xfs.block_bytes, at;
	void *zeros = aligned_alloc(page_bytes(), block);
	int fd = open(path, O_WRONLY | O_DIRECT | O_EXCL | O_CLOEXEC);
	bool done = true;
	size_t i;

	if (fd < 0 || !zeros)
		die(EXIT_FAILED, "%s: %s", path, errno == EBUSY ? "it is in use" : strerror(errno));
	memset(zeros, 0, block);
	for (i = 0; i < scene->bads.nr; i++) {
		const struct bad *bad = &scene->bads.bads[i];

		for (at = bad->start_bytes / block * block;
		     at < bad->start_bytes + bad->len_bytes; at += block) {
			enum kind kind = find_kind(scene, path, at);
			struct media_range media;

			if (kind == OF_A_FILE || kind == FREE) {
				printf("0x%jx: %s, left as it is: --%s repairs it when XFS is mounted\n",
				       (uintmax_t)at, kind == FREE ? "free space" : "data of a file",
				       kind == FREE ? "free" : "file");
				continue;
			}
			if (!scene_media(scene, at, &media))
				continue;
			if (!confirm(yes, "0x%jx: %s; write zeros over it, so that the platform clears it",
				     (uintmax_t)at, kind == METADATA ? "metadata" :
				     "its owner can't be read, it may be data of a file"))
				stop();
			if (clear(fd, at, block, zeros, &media)) {
				printf("0x%jx: cleared\n", (uintmax_t)at);
			} else {
				note("0x%jx: the platform does not clear it", (uintmax_t)at);
				done = false;
			}
		}
	}
	free(zeros);
	close(fd);
	return done;
}

/**
 * metadata_repair - clear bad metadata, and have xfs_repair make it anew
 * @scene: What is bad.
 * @yes: Ask for no step.
 *
 * Return: The command's exit code.
 */
int metadata_repair(struct scene *scene, bool yes)
{
	char *path = block_path(scene->device->dev);
	bool replayed;

	if (scene->mount.type || xfs_is_mounted(scene->device->dev))
		die(EXIT_FAILED, "%s is mounted: umount it first", scene->device->name);
	if (!find_geometry(scene, path))
		die(EXIT_FAILED, "%s: no superblock of an XFS can be read", path);
	if (!clear_all(scene, path, yes)) {
		books_close();
		die(EXIT_FAILED, "%s has metadata in memory that stays bad: replace the memory, or make the filesystem anew and restore the backup",
		    scene->device->name);
	}
	books_close();
	if (!confirm(yes, "mount %s for a moment, so that XFS replays its log", path))
		stop();
	replayed = replay_log(path);
	if (!replayed)
		note("XFS can't be mounted, so its log can't be replayed");
	if (!confirm(yes, "run xfs_repair -n %s, which changes nothing and lists the damage", path))
		stop();
	if (run_xfs_repair(path, "-n")) {
		puts("XFS is whole");
		return EXIT_DONE;
	}
	if (!confirm(yes, replayed ? "run xfs_repair %s" :
		     "run xfs_repair -L %s: the last changes, in the log, are lost", path))
		stop();
	if (!run_xfs_repair(path, replayed ? NULL : "-L") || !run_xfs_repair(path, "-n"))
		die(EXIT_FAILED, "xfs_repair could not mend it: make the filesystem anew (daxlinear mkfs --force %s) and restore the backup",
		    scene->device->name);
	puts("XFS is whole; files that lost their folders are in lost+found");
	return EXIT_DONE;
}
