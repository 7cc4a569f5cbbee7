// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include <sys/stat.h>

#include "device/attach.h"
#include "fs/mounts.h"
#include "health/check.h"
#include "sys/sysfs.h"
#include "util/alloc.h"
#include "watch/mounts.h"

/* The checks that a mount is watched for; the others have no harm that a mount begins. */
static const char * const checks[] = { "dax", "rmapbt", "seams" };

static bool is_watched(const struct finding *finding)
{
	size_t i;

	for (i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		if (!finding->good && !strcmp(finding->name, checks[i]))
			return true;
	return false;
}

/**
 * mounted_as - identify the mount of an XFS on a device that is notified of failures
 * @boot: The boot.
 * @device: The device.
 *
 * XFS makes a folder in sysfs for each mount of a device, and none for further mount points of it.
 *
 * Return: A text that no other mount has, NULL if there is none in this mount namespace.
 */
char *mounted_as(const char *boot, const struct device *device)
{
	struct mount mount = { 0 };
	char *name, *path, *text = NULL;
	struct stat status;

	if (!(device_is_ours(device) || is_notified(device->dev)))
		return NULL;
	name = block_name(device->dev);
	path = format_text("/sys/fs/xfs/%s", name);
	if (!stat(path, &status) && mount_find(device->dev, &mount))
		text = format_text("%s %s %ju", boot, name, (uintmax_t)status.st_ino);
	free(mount.type);
	free(mount.folder);
	free(mount.options);
	free(path);
	free(name);
	return text;
}

/* Check the mounted XFS on a device, and make an alert of each finding that is bad. */
struct alert **mount_alerts(const char *boot, const struct stack *stack,
			    const struct device *device, size_t *nr)
{
	struct findings findings = { 0 };
	struct alert **alerts = NULL;
	struct mount mount = { 0 };
	size_t i;

	*nr = 0;
	if (!mount_find(device->dev, &mount))
		return NULL;
	check_filesystem(&findings, stack, device->dev);
	for (i = 0; i < findings.nr; i++) {
		if (!is_watched(&findings.findings[i]))
			continue;
		alerts = grow(alerts, *nr, sizeof(*alerts));
		alerts[(*nr)++] = alert_mount(boot, device, mount.folder, &findings.findings[i]);
	}
	findings_free(&findings);
	free(mount.type);
	free(mount.folder);
	free(mount.options);
	return alerts;
}
