// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <sys/utsname.h>

#include "sys/kernel.h"
#include "sys/sysfs.h"
#include "util/alloc.h"

/* Whether the running kernel is this version or a later one. */
bool kernel_since(unsigned int major, unsigned int minor)
{
	unsigned int has_major, has_minor;
	struct utsname name;

	return !uname(&name) && sscanf(name.release, "%u.%u", &has_major, &has_minor) == 2 &&
	       (has_major > major || (has_major == major && has_minor >= minor));
}

/* The UUID of this boot. */
char *kernel_boot(void)
{
	return read_text("/proc/sys/kernel/random/boot_id") ?: copy_text("");
}
