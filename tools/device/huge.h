/* SPDX-License-Identifier: GPL-2.0 */
/* Alignment of ranges to huge pages, so that files on them can be mapped in such. */
#ifndef HUGE_H
#define HUGE_H

#include "device/stack.h"

bool huge_phys(dev_t dev, uint64_t *bytes);
uint64_t huge_pad_sectors(dev_t dev);
bool huge_is_aligned(const struct segment *leaf);
bool huge_leaves_aligned(const struct layout *leaves);
bool huge_all_aligned(const struct stack *stack, const struct layout *layout);

#endif
