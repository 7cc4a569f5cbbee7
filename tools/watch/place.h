/* SPDX-License-Identifier: GPL-2.0 */
/* Which mapped devices have a range of a disk. */
#ifndef PLACE_H
#define PLACE_H

#include "device/above.h"

/* All mapped devices. */
struct places {
	struct above *devices;
	size_t nr;
};

void places_read(struct places *places, const struct stack *stack);
void places_free(struct places *places);
size_t places_find(const struct places *places, dev_t disk, uint64_t sector, uint64_t sectors,
		   const dev_t *only, size_t nr_only, size_t **found);

#endif
