// SPDX-License-Identifier: GPL-2.0
/* Each of these dies with what has to be done first: then nothing was changed. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "device/attach.h"
#include "drill/ready.h"
#include "drill/scratch.h"
#include "sys/sysfs.h"
#include "util/alloc.h"
#include "util/say.h"
#include "util/size.h"

/* For the file, its good block, and what XFS needs for their names. */
#define ROOM	MIB

/* Of linux/capability.h. */
#define CAP_SYS_ADMIN	21

static bool is_admin(void)
{
	char *text = read_text("/proc/self/status"), *at = text ? strstr(text, "\nCapEff:") : NULL;
	unsigned long long mask = 0;

	if (at)
		sscanf(at, "\nCapEff: %llx", &mask);
	free(text);
	return mask >> CAP_SYS_ADMIN & 1;
}

/* Die unless this process and kernel can poison a page. */
void ready_process(void)
{
	if (!is_admin())
		die(EXIT_FAILED, "poisoning a page takes CAP_SYS_ADMIN: run it as root, outside of a container");
	if (access("/proc/sys/vm/memory_failure_early_kill", F_OK))
		die(EXIT_FAILED, "this kernel has no CONFIG_MEMORY_FAILURE: no failure of memory is handled");
}

static void check_damage(const struct scene *scene)
{
	uint64_t left = scratch_inode(scene);
	const char *name = scene->device->name;
	size_t i;

	for (i = 0; i < scene->bads.nr; i++) {
		const struct bad *bad = &scene->bads.bads[i];

		if (bad->known_by & BAD_GONE ||
		    quarantined_bytes(&scene->quarantined, &scene->owners, bad, left) <
		    bad->len_bytes)
			die(EXIT_FAILED, "%s has damage that is none of a drill: daxlinear repair %s lists it; repair it first",
			    name, name);
	}
}

/* Die unless a page of the device can fail, be reported and be repaired, and none has. */
void ready_scene(const struct scene *scene)
{
	const char *name = scene->device->name;
	struct statvfs status;

	if (scene->unknown)
		die(EXIT_FAILED, "%s: %s", name, scene->unknown);
	if (!is_notified(scene->device->dev))
		die(EXIT_FAILED, "%s is not notified of failures: daxlinear check %s has the remedy",
		    name, name);
	if (!scene->xfs.rmapbt)
		die(EXIT_FAILED, "%s: its XFS has no rmapbt, and is not notified of failures: make it anew by daxlinear mkfs",
		    name);
	if (!scene->xfs.reflink)
		die(EXIT_FAILED, "%s: its XFS has no reflink: a page that the platform does not clear could not be taken out of the file",
		    name);
	check_damage(scene);
	if (statvfs(scene->mount.folder, &status))
		die(EXIT_FAILED, "%s: %s", scene->mount.folder,
		    errno == EIO ? "XFS has shut down: unmount it, and mount it again" :
		    strerror(errno));
	if (status.f_flag & ST_RDONLY)
		die(EXIT_FAILED, "%s is mounted read-only: mount -o remount,rw",
		    scene->mount.folder);
	if ((uint64_t)status.f_bavail * status.f_frsize < ROOM)
		die(EXIT_FAILED, "%s is full: a drill needs 1 MiB", scene->mount.folder);
}
