/* SPDX-License-Identifier: GPL-2.0 */
/* The set that a command is about, refused if it cannot be used. */
#ifndef SETS_H
#define SETS_H

#include "device/dm.h"
#include "member/disks.h"

void set_refuse(const struct set *set);
const struct set *set_given(const struct machine *machine, const char *given);
const struct set *set_of_device(const struct machine *machine, const struct mapped *mapped);

#endif
