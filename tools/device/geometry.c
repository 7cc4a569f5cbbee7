// SPDX-License-Identifier: GPL-2.0
#include "device/geometry.h"

/* Trimming may waste at most this part of a child. */
#define WASTE_DIVISOR	64

/**
 * geometry_granule - what to trim children to
 * @child_bytes: How much each child has.
 * @nr: How many there are.
 *
 * Return: The largest power of two that wastes less than a 64th of every child, or the smallest
 * that XFS accepts.
 */
uint64_t geometry_granule(const uint64_t *child_bytes, size_t nr)
{
	uint64_t granule;
	size_t i;

	for (granule = GRANULE_MAX; granule > GRANULE_MIN; granule /= 2) {
		for (i = 0; i < nr; i++)
			if (child_bytes[i] < granule ||
			    child_bytes[i] % granule >= child_bytes[i] / WASTE_DIVISOR)
				break;
		if (i == nr)
			break;
	}
	return granule;
}

/**
 * geometry_common - the largest size that divides all boundaries
 * @boundary_bytes: Where each child ends in the device.
 * @nr: How many there are, at least one.
 */
uint64_t geometry_common(const uint64_t *boundary_bytes, size_t nr)
{
	uint64_t common = 0;
	size_t i;

	for (i = 0; i < nr; i++) {
		uint64_t a = boundary_bytes[i], b = common;

		while (b) {
			uint64_t rest = a % b;

			a = b;
			b = rest;
		}
		common = a;
	}
	return common;
}

/**
 * geometry_agsize - how large to make the allocation groups
 * @common_bytes: What divides all boundaries.
 * @device_bytes: The device's size.
 * @unit_bytes: What the result must be a multiple of, as @common_bytes is.
 *
 * Return: The largest size that divides @common_bytes and gives four groups, so that four can
 * allocate side by side; fewer where they would become too small for XFS. 0 if there is none.
 */
uint64_t geometry_agsize(uint64_t common_bytes, uint64_t device_bytes, uint64_t unit_bytes)
{
	uint64_t units = common_bytes / unit_bytes, parts, agsize, best = 0;

	if (common_bytes % unit_bytes)
		return 0;
	for (parts = 1; parts <= units; parts++) {
		if (units % parts)
			continue;
		agsize = common_bytes / parts;
		if (agsize > AGSIZE_MAX)
			continue;
		if (best && agsize < GRANULE_MIN)
			break;
		best = agsize;
		if (agsize <= device_bytes / 4)
			break;
	}
	return best;
}
