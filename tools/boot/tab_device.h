/* SPDX-License-Identifier: GPL-2.0 */
/* Lines of /etc/daxlineartab, and the live devices that they describe. */
#ifndef TAB_DEVICE_H
#define TAB_DEVICE_H

#include "boot/tab.h"
#include "device/dm.h"
#include "device/layout.h"

char *tab_line(const char *name, const struct layout *layout);
char *tab_child_path(const struct tab_child *child);
bool tab_fits(const struct tab_entry *entry, const struct layout *layout);
bool tab_check(const struct mapped *mapped, char **text);

#endif
