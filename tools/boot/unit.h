/* SPDX-License-Identifier: GPL-2.0 */
/* The units that make the devices of /etc/daxlineartab at boot. */
#ifndef UNIT_H
#define UNIT_H

#include "boot/tab.h"

char *unit_child_path(const struct tab_child *child);
void units_write(const struct tab *tab, const char *folder);

#endif
