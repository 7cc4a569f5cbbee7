/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Boundaries of children and of XFS's allocation groups.  No extent of XFS crosses the end of an
 * allocation group, so copy-on-write never spans two children if children end where groups end.
 * For that, each child is trimmed to a multiple of a granule.
 */
#ifndef GEOMETRY_H
#define GEOMETRY_H

#include <stddef.h>
#include <stdint.h>

#include "util/size.h"

/* XFS's log, of 64 MiB at least, must fit into an allocation group. */
#define GRANULE_MIN	(128 * MIB)
#define GRANULE_MAX	GIB

/* XFS's limit for an allocation group. */
#define AGSIZE_MAX	TIB

uint64_t geometry_granule(const uint64_t *child_bytes, size_t nr);
uint64_t geometry_common(const uint64_t *boundary_bytes, size_t nr);
uint64_t geometry_agsize(uint64_t common_bytes, uint64_t device_bytes, uint64_t unit_bytes);

#endif
