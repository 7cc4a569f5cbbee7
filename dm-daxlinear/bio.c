// SPDX-License-Identifier: GPL-2.0
#include <linux/bio.h>
#include <linux/slab.h>

#include "daxlinear.h"

/*
 * bio_set_dev() clears this flag if the device changes.  It always does, as the mapped device is
 * not its own child.  Both are done in advance, so that the comparison is compiled away.
 */
static inline int remap_bio(struct bio *bio, struct block_device *bdev, sector_t delta)
{
	bio->bi_iter.bi_sector += delta;
	bio_clear_flag(bio, BIO_BPS_THROTTLED);
	bio->bi_bdev = bdev;
	bio_set_dev(bio, bdev);
	return DM_MAPIO_REMAPPED;
}

static sector_t range_delta(const struct daxlinear_range *range)
{
	return (range->delta << PAGE_SECTORS_SHIFT) - get_start_sect(range->dev->bdev);
}

/* Return the last sector of the range. */
static sector_t range_last(const struct daxlinear_range *range)
{
	return (range[1].start << PAGE_SECTORS_SHIFT) - 1;
}

/*
 * Map a bio to the device of its first sector, and leave what lies past the end of the range to
 * another bio.
 */
static noinline int map_slow(struct daxlinear *dl, struct bio *bio)
{
	sector_t sector = bio->bi_iter.bi_sector, left;
	const struct daxlinear_range *range;

	/* An empty flush goes to each device once (num_flush_bios), not to each range. */
	if ((bio->bi_opf & REQ_PREFLUSH) && !bio_sectors(bio)) {
		bio_set_dev(bio, dl->devs[dm_bio_get_target_bio_nr(bio)].dev->bdev);
		return DM_MAPIO_REMAPPED;
	}

	range = daxlinear_find(&dl->table, sector >> PAGE_SECTORS_SHIFT);
	left = range_last(range) + 1 - sector;
	if (bio_sectors(bio) > left)
		dm_accept_partial_bio(bio, left);
	return remap_bio(bio, range->dev->bdev, range_delta(range));
}

static void init_remaps(struct daxlinear_remap *to, const struct daxlinear_range *range,
			unsigned int nr, unsigned int nr_ends)
{
	for (; nr--; to++, range++)
		*to = (struct daxlinear_remap){
			.last = range_last(range),
			.bdev = range->dev->bdev,
			.delta = range_delta(range),
		};
	for (; nr_ends--; to++)
		to->last = U64_MAX;
}

int daxlinear_init_remaps(struct daxlinear *dl)
{
	const struct daxlinear_table *table = &dl->table;
	unsigned int nr = table->nr_ranges;

	dl->is_few = nr <= DAXLINEAR_FEW;
	init_remaps(dl->few, table->ranges, min(nr, DAXLINEAR_FEW), 1);
	if (dl->is_few || nr > DAXLINEAR_SOME)
		return 0;
	dl->some = kmalloc_array(nr + DAXLINEAR_FEW, sizeof(*dl->some), GFP_KERNEL);
	if (!dl->some)
		return -ENOMEM;
	init_remaps(dl->some, table->ranges, nr, DAXLINEAR_FEW);
	return 0;
}

static inline int map_indexed(struct daxlinear *dl, struct bio *bio, sector_t last)
{
	const struct daxlinear_table *table = &dl->table;
	pgoff_t page = bio->bi_iter.bi_sector >> PAGE_SECTORS_SHIFT;
	const struct daxlinear_range *range = daxlinear_first(table, page);

	if (unlikely(last > range_last(range))) {
		if (daxlinear_is_far(table, range, page))
			range = daxlinear_bisect(table, page);
		else
			range = daxlinear_stride(range, page);
		if (unlikely(last > range_last(range)))
			return map_slow(dl, bio);
	}
	return remap_bio(bio, range->dev->bdev, range_delta(range));
}

/*
 * The first ranges are found by comparisons.  So are all of some, as device-mapper's tree finds
 * one of so few targets in fewer steps than map_indexed() takes.
 *
 * An empty flush is at any sector: device-mapper sends a flush with data as an empty one first, of
 * which one clone keeps the sector of the data.  So no comparison of sectors finds it.
 */
int daxlinear_map(struct dm_target *ti, struct bio *bio)
{
	struct daxlinear *dl = ti->private;
	sector_t sector = bio->bi_iter.bi_sector, last = bio_end_sector(bio) - 1;
	const struct daxlinear_remap *to = dl->few;

	if (!bio_sectors(bio))
		return map_slow(dl, bio);
	if (last <= to->last)
		return remap_bio(bio, to->bdev, to->delta);
	to++;
	OPTIMIZER_HIDE_VAR(to);
	if (last > to->last) {
		if (!dl->is_few) {
			to = dl->some;
			if (!to)
				return map_indexed(dl, bio, last);
			while (last > to[DAXLINEAR_FEW - 1].last)
				to += DAXLINEAR_FEW;
			OPTIMIZER_HIDE_VAR(to);
		}
		while (last > to->last)
			to++;
	}
	if (unlikely(sector <= to[-1].last))
		return map_slow(dl, bio);
	return remap_bio(bio, to->bdev, to->delta);
}
