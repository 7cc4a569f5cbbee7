// SPDX-License-Identifier: GPL-2.0
/* Granules and allocation group sizes: known machines, and what must hold of any. */
#include "../../tools/device/geometry.h"
#include "unit.h"

#define MAX_CHILDREN	8

static uint64_t granule_of(size_t nr, const uint64_t *children)
{
	return geometry_granule(children, nr);
}

static void known(void)
{
	/* Two NVDIMM regions, page structs on the media: 126 GiB each, as good as whole. */
	CHECK(granule_of(2, (uint64_t[]){ 126 * GIB, 126 * GIB }) == GIB);
	CHECK(granule_of(2, (uint64_t[]){ 126 * GIB - 2 * MIB, 126 * GIB - 2 * MIB }) == GIB);
	/* A small one decides. */
	CHECK(granule_of(2, (uint64_t[]){ 126 * GIB, 16 * GIB - 2 * MIB }) == 256 * MIB);
	CHECK(granule_of(2, (uint64_t[]){ GIB, GIB + 512 * MIB }) == 512 * MIB);
	/* None is small enough. */
	CHECK(granule_of(2, (uint64_t[]){ 254 * MIB, 254 * MIB }) == GRANULE_MIN);
	CHECK(granule_of(1, (uint64_t[]){ 2 * MIB }) == GRANULE_MIN);

	CHECK(geometry_common((uint64_t[]){ 126, 252, 378 }, 3) == 126);
	CHECK(geometry_common((uint64_t[]){ 128, 256, 512 }, 3) == 128);
	CHECK(geometry_common((uint64_t[]){ 7 }, 1) == 7);

	/* Four groups where they are large enough, each at most 1 TiB. */
	CHECK(geometry_agsize(126 * GIB, 252 * GIB, 2 * MIB) == 63 * GIB);
	CHECK(geometry_agsize(GIB, 512 * GIB, 2 * MIB) == GIB);
	CHECK(geometry_agsize(16 * TIB, 16 * TIB, 2 * MIB) == TIB);
	CHECK(geometry_agsize(128 * MIB, 384 * MIB, 2 * MIB) == 128 * MIB);
	CHECK(geometry_agsize(256 * MIB, 256 * MIB, 2 * MIB) == 128 * MIB);
	CHECK(geometry_agsize(16 * MIB, 64 * MIB, 2 * MIB) == 16 * MIB);
	/* Huge pages of 32 MiB: no group ends inside one. */
	CHECK(geometry_agsize(384 * MIB, 768 * MIB, 32 * MIB) == 192 * MIB);
	CHECK(geometry_agsize(400 * MIB, 800 * MIB, 32 * MIB) == 0);
	/* 127 is a prime: one group or 127 of a GiB. */
	CHECK(geometry_agsize(127 * GIB, 127 * GIB, GIB) == GIB);
	CHECK(geometry_agsize(3 * MIB, 30 * MIB, 2 * MIB) == 0);
	CHECK(geometry_agsize(3 * MIB, 30 * MIB, 4 * KIB) == 3 * MIB);
}

static void random_children(void)
{
	uint64_t children[MAX_CHILDREN], ends[MAX_CHILDREN], granule, common, agsize, total = 0;
	size_t nr = 1 + unit_below(MAX_CHILDREN), i;

	for (i = 0; i < nr; i++)
		children[i] = 4 * KIB * (1 + unit_below(1ULL << (8 + unit_below(22))));
	granule = geometry_granule(children, nr);
	CHECK(granule >= GRANULE_MIN && granule <= GRANULE_MAX && !(granule & (granule - 1)));
	if (granule > GRANULE_MIN)
		for (i = 0; i < nr; i++)
			CHECK(children[i] % granule < children[i] / 64);
	/* No larger one would do. */
	if (granule < GRANULE_MAX) {
		for (i = 0; i < nr; i++)
			if (children[i] < 2 * granule ||
			    children[i] % (2 * granule) >= children[i] / 64)
				break;
		CHECK(i < nr);
	}

	for (i = 0; i < nr; i++) {
		total += children[i] / granule * granule + granule;
		ends[i] = total;
	}
	common = geometry_common(ends, nr);
	CHECK(common % granule == 0);
	for (i = 0; i < nr; i++)
		CHECK(ends[i] % common == 0);
	agsize = geometry_agsize(common, total, 2 * MIB);
	CHECK(agsize && common % agsize == 0 && agsize % (2 * MIB) == 0);
	CHECK(agsize >= GRANULE_MIN && agsize <= AGSIZE_MAX);
}

int main(int argc, char **argv)
{
	unsigned long cases = argc > 1 ? strtoul(argv[1], NULL, 0) : 1000000;

	known();
	for (unit_case = 0; unit_case < cases / 10; unit_case++)
		random_children();
	printf("geometry: %lu random sets of children are trimmed well\n", cases / 10);
	return 0;
}
