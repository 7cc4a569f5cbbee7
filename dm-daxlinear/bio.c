// SPDX-License-Identifier: GPL-2.0
#include <linux/bio.h>

#include "daxlinear.h"

static struct daxlinear_remap remap_of(const struct daxlinear_range *range)
{
	struct block_device *bdev = range->dev->bdev;

	return (struct daxlinear_remap){
		.bdev = bdev,
		.delta = (range->delta << PAGE_SECTORS_SHIFT) - get_start_sect(bdev),
	};
}

static inline int remap_bio(struct bio *bio, const struct daxlinear_remap *to)
{
	bio->bi_iter.bi_sector += to->delta;
	bio_set_dev(bio, to->bdev);
	return DM_MAPIO_REMAPPED;
}

/*
 * Map a bio to the device of its first sector, and leave what lies past the end of the range to
 * another bio.
 */
static noinline int map_slow(struct daxlinear *dl, struct bio *bio)
{
	sector_t sector = bio->bi_iter.bi_sector, left;
	const struct daxlinear_range *range;
	struct daxlinear_remap to;

	/* An empty flush goes to each device once (num_flush_bios), not to each range. */
	if ((bio->bi_opf & REQ_PREFLUSH) && !bio_sectors(bio)) {
		bio_set_dev(bio, dl->devs[dm_bio_get_target_bio_nr(bio)]->bdev);
		return DM_MAPIO_REMAPPED;
	}

	range = daxlinear_find(&dl->table, sector >> PAGE_SECTORS_SHIFT);
	left = (range[1].start << PAGE_SECTORS_SHIFT) - sector;
	if (bio_sectors(bio) > left)
		dm_accept_partial_bio(bio, left);
	to = remap_of(range);
	return remap_bio(bio, &to);
}

void daxlinear_init_fast(struct daxlinear *dl)
{
	const struct daxlinear_range *ranges = dl->table.ranges;

	dl->fast_end = ranges[1].start << PAGE_SECTORS_SHIFT;
	dl->fast[0] = remap_of(&ranges[0]);
	if (dl->table.nr_ranges == 2)
		dl->fast[1] = remap_of(&ranges[1]);
}

/* Bios that lie in the first range, or in the second of two, take a short path. */
int daxlinear_map(struct dm_target *ti, struct bio *bio)
{
	struct daxlinear *dl = ti->private;

	if (!bio_sectors(bio))
		return map_slow(dl, bio);
	if (bio_end_sector(bio) <= dl->fast_end)
		return remap_bio(bio, &dl->fast[0]);
	if (bio->bi_iter.bi_sector >= dl->fast_end && dl->table.nr_ranges == 2)
		return remap_bio(bio, &dl->fast[1]);
	return map_slow(dl, bio);
}
