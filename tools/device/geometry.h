/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where the children meet. The kernel's copy-on-write for DAX reads past the end of a child where
 * an extent crosses into the next, and XFS's extents never cross allocation groups. So each child
 * is trimmed to a multiple of a granule, and the allocation groups divide all boundaries.
 */
#ifndef GEOMETRY_H
#define GEOMETRY_H

#include <stddef.h>
#include <stdint.h>

#include "util/size.h"

/* The log of at least 64 MiB has to fit into an allocation group, beside other things. */
#define GRANULE_MIN	(128 * MIB)
#define GRANULE_MAX	GIB

/* XFS's own limit. */
#define AGSIZE_MAX	TIB

uint64_t geometry_granule(const uint64_t *child_bytes, size_t nr);
uint64_t geometry_common(const uint64_t *boundary_bytes, size_t nr);
uint64_t geometry_agsize(uint64_t common_bytes, uint64_t device_bytes, uint64_t unit_bytes);

#endif
