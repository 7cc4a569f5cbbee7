// SPDX-License-Identifier: GPL-2.0
/*
 * A page that a drill has poisoned is good memory with a mark of the kernel's, which ends with the
 * boot.  So the file that keeps it has the boot as an attribute.  In a later boot, a page that
 * neither the driver nor the kernel's record lists is released.
 */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "drill/release.h"
#include "fs/blocks.h"
#include "repair/books.h"
#include "repair/quarantine.h"
#include "sys/kernel.h"
#include "util/alloc.h"

#define BOOT	"trusted.daxlinear.drill"

/* A file of the quarantine, and its block. */
struct page {
	const struct scene *scene;
	const struct quarantine *quarantine;
	const char *name;
	int fd;
	uint64_t place;
};

/* Call a function for each file that keeps a page; whether it returned true for any. */
static bool for_each(const struct scene *scene, uint64_t place,
		     bool (*act)(const struct page *page, uint64_t place))
{
	struct quarantine quarantine;
	struct page page = { .scene = scene, .quarantine = &quarantine };
	const struct dirent *entry;
	bool any = false;
	DIR *folder;

	if (!quarantine_open(&quarantine, scene->root))
		return false;
	folder = fdopendir(openat(quarantine.folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	while (folder && (entry = readdir(folder))) {
		if (strncmp(entry->d_name, QUARANTINE_PREFIX, strlen(QUARANTINE_PREFIX)))
			continue;
		page.name = entry->d_name;
		page.fd = openat(quarantine.folder, page.name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (page.fd < 0)
			continue;
		if (block_find(page.fd, 0, &page.place) == BLOCK_WRITTEN)
			any = act(&page, place) || any;
		close(page.fd);
	}
	if (folder)
		closedir(folder);
	quarantine_close(&quarantine);
	return any;
}

static bool mark(const struct page *page, uint64_t place)
{
	char *boot = kernel_boot();
	bool done = page->place == place && !fsetxattr(page->fd, BOOT, boot, strlen(boot), 0) &&
		    !fsync(page->fd);

	free(boot);
	return done;
}

/* Whether a driver or the kernel's record of this boot lists a block. */
static bool is_listed(const struct scene *scene, uint64_t place)
{
	size_t i;

	for (i = 0; i < scene->bads.nr; i++) {
		const struct bad *bad = &scene->bads.bads[i];

		if (bad->known_by & ~BAD_HISTORY &&
		    bad->start_bytes < place + scene->xfs.block_bytes &&
		    place < bad->start_bytes + bad->len_bytes)
			return true;
	}
	return false;
}

static bool release(const struct page *page, uint64_t place)
{
	char *now = kernel_boot(), then[64] = "";
	struct media_range media;
	bool done;

	(void)place;
	done = fgetxattr(page->fd, BOOT, then, sizeof(then) - 1) > 0 && strcmp(then, now) &&
	       !is_listed(page->scene, page->place) &&
	       quarantine_release(page->quarantine, page->name);
	free(now);
	/* Only the history still has it. */
	if (done && scene_media(page->scene, page->place, &media))
		books_repaired(&media);
	return done;
}

/* Mark the file that keeps a page of this drill; false if there is none. */
bool release_mark(const struct scene *scene, uint64_t place)
{
	return for_each(scene, place, mark);
}

/* Release the pages of drills of earlier boots; whether there were any. */
bool release_pages(const struct scene *scene)
{
	bool any = scene->quarantined.nr && for_each(scene, 0, release);

	if (any)
		books_close();
	return any;
}
