/* SPDX-License-Identifier: GPL-2.0 */
/* The disks of this machine and their labels. */
#ifndef DISKS_H
#define DISKS_H

#include "device/child.h"
#include "device/layout.h"
#include "member/set.h"

/* The members of this machine, and the sets that they form. */
struct machine {
	struct members members;
	struct sets sets;
};

void machine_read(struct machine *machine);
void machine_free(struct machine *machine);
struct member *member_find(const struct machine *machine, dev_t dev);
const struct set *set_find(const struct machine *machine, const char *uuid);
bool member_is_range(const struct member *member, const struct segment *segment);
bool member_may_be_range(const struct member *member, const struct segment *segment);
bool set_fits(const struct set *set, const struct layout *layout);
const struct set *set_of_layout(const struct machine *machine, const struct layout *layout);
const struct member *damaged_of_layout(const struct machine *machine, const struct layout *layout);
void children_label(struct children *children);
void children_refuse_members(struct children *children, const struct machine *machine,
			     const char *own);

#endif
