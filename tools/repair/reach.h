/* SPDX-License-Identifier: GPL-2.0 */
/* Allocate a given free block of a mounted XFS. */
#ifndef REACH_H
#define REACH_H

#include <stdint.h>

#include "repair/scene.h"

int reach_block(const struct scene *scene, uint64_t place, uint64_t *offset);

#endif
