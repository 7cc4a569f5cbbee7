// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/alloc.h"
#include "lvm/volume.h"
#include "util/say.h"

#define LOCK_FOLDER	"/run/lock/lvm"

static bool is_volume(struct volume *volume)
{
	volume->name = dm_volume_name(&volume->mapped);
	if (volume->name)
		return true;
	free(volume->mapped.name);
	free(volume->mapped.uuid);
	return false;
}

/* Find a volume by its number. Returns false if no volume has it. */
bool volume_find(struct volume *volume, dev_t dev)
{
	return dm_find_number(dev, &volume->mapped) && is_volume(volume);
}

/* Read all active volumes. */
size_t volumes_read(struct volume **volumes)
{
	size_t nr_names, nr = 0, i;
	char **names;

	*volumes = NULL;
	nr_names = dm_names(&names);
	for (i = 0; i < nr_names; i++) {
		struct volume volume;

		if (dm_find(names[i], &volume.mapped) && is_volume(&volume)) {
			*volumes = grow(*volumes, nr, sizeof(volume));
			(*volumes)[nr++] = volume;
		}
		free(names[i]);
	}
	free(names);
	return nr;
}

static char *lock_path(const struct volume *volume)
{
	return format_text(LOCK_FOLDER "/V_%.*s", (int)(strchr(volume->name, '/') - volume->name),
			   volume->name);
}

/*
 * Take the lock by which LVM commands exclude one another from a volume group.  Its holder unlinks
 * the file before it unlocks it.  So the lock counts only if the path still leads to the same
 * inode; otherwise try again.  Never call this in a udev rule: the LVM command that waits for the
 * rule holds the lock.
 */
int vg_lock(const struct volume *volume)
{
	char *path = lock_path(volume);
	struct stat ours, now;
	int fd;

	mkdir(LOCK_FOLDER, 0700);
	for (;;) {
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (fd < 0 || flock(fd, LOCK_EX) || fstat(fd, &ours))
			die(EXIT_FAILED, "%s: %s", path, strerror(errno));
		if (!stat(path, &now) && now.st_dev == ours.st_dev && now.st_ino == ours.st_ino)
			break;
		close(fd);
	}
	free(path);
	return fd;
}

void vg_unlock(const struct volume *volume, int lock)
{
	char *path = lock_path(volume);

	unlink(path);
	close(lock);
	free(path);
}
