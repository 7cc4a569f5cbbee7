// SPDX-License-Identifier: GPL-2.0
#include <linux/bio.h>

#include "daxlinear.h"

static struct daxlinear_near near_of(const struct daxlinear_range *range)
{
	struct block_device *bdev = range->dev->bdev;

	return (struct daxlinear_near){
		.bdev = bdev,
		.shift = (range->shift << PAGE_SECTORS_SHIFT) - get_start_sect(bdev),
	};
}

static inline int map_near(struct bio *bio, const struct daxlinear_near *near)
{
	bio->bi_iter.bi_sector += near->shift;
	bio_set_dev(bio, near->bdev);
	return DM_MAPIO_REMAPPED;
}

/* To the device that holds its first sector, as far as its range goes. */
static noinline int map_found(struct daxlinear *dl, struct bio *bio)
{
	sector_t sector = bio->bi_iter.bi_sector, left;
	const struct daxlinear_range *range;
	struct daxlinear_near near;

	/* A flush goes to each device once, whatever ranges it has. */
	if ((bio->bi_opf & REQ_PREFLUSH) && !bio_sectors(bio)) {
		bio_set_dev(bio, dl->devs[dm_bio_get_target_bio_nr(bio)]->bdev);
		return DM_MAPIO_REMAPPED;
	}

	range = daxlinear_find(&dl->table, sector >> PAGE_SECTORS_SHIFT);
	left = (range[1].start << PAGE_SECTORS_SHIFT) - sector;
	if (bio_sectors(bio) > left)
		dm_accept_partial_bio(bio, left);
	near = near_of(range);
	return map_near(bio, &near);
}

void daxlinear_find_near(struct daxlinear *dl)
{
	const struct daxlinear_range *ranges = dl->table.ranges;

	dl->first_end = ranges[1].start << PAGE_SECTORS_SHIFT;
	dl->near[0] = near_of(&ranges[0]);
	if (dl->table.nr_ranges == 2)
		dl->near[1] = near_of(&ranges[1]);
}

/* One range and two have short ways, for what lies in one of them. */
int daxlinear_map(struct dm_target *ti, struct bio *bio)
{
	struct daxlinear *dl = ti->private;

	if (!bio_sectors(bio))
		return map_found(dl, bio);
	if (bio_end_sector(bio) <= dl->first_end)
		return map_near(bio, &dl->near[0]);
	if (bio->bi_iter.bi_sector >= dl->first_end && dl->table.nr_ranges == 2)
		return map_near(bio, &dl->near[1]);
	return map_found(dl, bio);
}
