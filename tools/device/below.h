/* SPDX-License-Identifier: GPL-2.0 */
/* What a mapped device stands on directly. */
#ifndef BELOW_H
#define BELOW_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Disks, each once. */
struct disks {
	dev_t *devs;
	size_t nr;
};

void disks_add(struct disks *disks, dev_t dev);
void disks_below(struct disks *disks, dev_t dev);
bool disks_have(const struct disks *disks, dev_t dev);
void disks_free(struct disks *disks);

#endif
