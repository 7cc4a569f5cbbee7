// SPDX-License-Identifier: GPL-2.0
#include <stddef.h>
#include <sys/xattr.h>

#include "repair/kept.h"

#define CAPABILITY	"security.capability"

bool kept_read(int fd, struct kept *kept)
{
	kept->len = fgetxattr(fd, CAPABILITY, kept->capability, sizeof(kept->capability));
	return !fstat(fd, &kept->status);
}

void kept_restore(int fd, const struct kept *kept)
{
	if (kept->len >= 0 && fgetxattr(fd, CAPABILITY, NULL, 0) < 0)
		fsetxattr(fd, CAPABILITY, kept->capability, kept->len, 0);
	futimens(fd, (struct timespec[]){ kept->status.st_atim, kept->status.st_mtim });
}
