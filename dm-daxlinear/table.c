// SPDX-License-Identifier: GPL-2.0
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "table.h"

/* The words of dm-linear: a device and an offset. */
#define LINEAR_ARGS	2
/* The words of one range: a device, an offset and a length. */
#define RANGE_ARGS	3

/* The index may have so many entries for a range, or so many in all. */
#define INDEX_PER_RANGE	2
#define INDEX_ANYWAY	1024

static int parse_sectors(const char *word, sector_t *sectors)
{
	unsigned long long value;

	if (kstrtoull(word, 10, &value))
		return -EINVAL;
	*sectors = value;
	return 0;
}

static pgoff_t to_page(sector_t sector)
{
	return sector / DAXLINEAR_PAGE_SECTORS;
}

/* Count the ranges of a table line, so that room can be made for them. */
int daxlinear_count_ranges(unsigned int argc, char **argv, unsigned int *nr_ranges,
			   char *msg)
{
	if (argc == LINEAR_ARGS) {
		*nr_ranges = 1;
		return 0;
	}
	if (argc < 1 + RANGE_ARGS) {
		scnprintf(msg, DAXLINEAR_MSG_LEN,
			  "%u words are too few: give DEV OFFSET, or N and N times DEV OFFSET LEN",
			  argc);
		return -EINVAL;
	}
	if (kstrtouint(argv[0], 10, nr_ranges) || !*nr_ranges) {
		scnprintf(msg, DAXLINEAR_MSG_LEN,
			  "\"%.40s\" is no number of ranges: give one of at least 1", argv[0]);
		return -EINVAL;
	}
	if (*nr_ranges > (argc - 1) / RANGE_ARGS) {
		scnprintf(msg, DAXLINEAR_MSG_LEN,
			  "%u ranges need %llu words, DEV OFFSET LEN for each, and there are %u",
			  *nr_ranges, (unsigned long long)*nr_ranges * RANGE_ARGS, argc - 1);
		return -EINVAL;
	}
	return 0;
}

/* The word that names the device of a range. */
const char *daxlinear_path(unsigned int argc, char **argv, unsigned int range)
{
	return argc == LINEAR_ARGS ? argv[0] : argv[1 + range * RANGE_ARGS];
}

static int parse_options(struct daxlinear_table *table, unsigned int argc, char **argv,
			 char *msg)
{
	unsigned int i, nr;

	if (!argc)
		return 0;
	if (kstrtouint(argv[0], 10, &nr) || nr != argc - 1) {
		scnprintf(msg, DAXLINEAR_MSG_LEN,
			  "\"%.40s\" is not the number of options: %u words follow it",
			  argv[0], argc - 1);
		return -EINVAL;
	}
	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "align_2m")) {
			table->align_2m = true;
		} else if (!strcmp(argv[i], "allow_move")) {
			table->allow_move = true;
		} else {
			scnprintf(msg, DAXLINEAR_MSG_LEN,
				  "\"%.40s\" is no option: there are align_2m and allow_move",
				  argv[i]);
			return -EINVAL;
		}
	}
	return 0;
}

static int parse_offset(struct daxlinear_range *range, const char *word, char *msg)
{
	sector_t offset;

	if (parse_sectors(word, &offset)) {
		scnprintf(msg, DAXLINEAR_MSG_LEN, "offset \"%.40s\" is no number of sectors",
			  word);
		return -EINVAL;
	}
	if (offset % DAXLINEAR_PAGE_SECTORS) {
		scnprintf(msg, DAXLINEAR_MSG_LEN,
			  "offset %llu is not a multiple of a page, %u sectors",
			  (unsigned long long)offset, (unsigned int)DAXLINEAR_PAGE_SECTORS);
		return -EINVAL;
	}
	range->delta = to_page(offset) - range->start;
	return 0;
}

static int parse_range(struct daxlinear_table *table, unsigned int i, sector_t len,
		       char **words, char *msg)
{
	struct daxlinear_range *range = &table->ranges[i];
	sector_t start, range_len;
	char why[DAXLINEAR_MSG_LEN];

	start = (range->start - table->ranges[0].start) * DAXLINEAR_PAGE_SECTORS;
	if (parse_offset(range, words[1], why)) {
		scnprintf(msg, DAXLINEAR_MSG_LEN, "range %u: %.120s", i, why);
		return -EINVAL;
	}
	if (parse_sectors(words[2], &range_len) || !range_len) {
		scnprintf(msg, DAXLINEAR_MSG_LEN,
			  "range %u: length \"%.40s\" is no number of sectors from 1 up",
			  i, words[2]);
		return -EINVAL;
	}
	if (range_len % DAXLINEAR_PAGE_SECTORS) {
		scnprintf(msg, DAXLINEAR_MSG_LEN,
			  "range %u: length %llu is not a multiple of a page, %u sectors",
			  i, (unsigned long long)range_len,
			  (unsigned int)DAXLINEAR_PAGE_SECTORS);
		return -EINVAL;
	}
	if (range_len > len - start) {
		scnprintf(msg, DAXLINEAR_MSG_LEN,
			  "range %u: starts at %llu in the target and is %llu long, past the target's end at %llu",
			  i, (unsigned long long)start, (unsigned long long)range_len,
			  (unsigned long long)len);
		return -EINVAL;
	}
	range[1].start = range->start + to_page(range_len);
	return 0;
}

/*
 * Take a table line apart: @begin and @len are the target's, and @table->ranges
 * has room for one more than daxlinear_count_ranges() says.  Which device a range
 * is on, where that starts on its dax_device and whether the range fits is for the
 * caller to find out.  On an error, @msg, DAXLINEAR_MSG_LEN long, says what to mend.
 */
int daxlinear_parse(struct daxlinear_table *table, sector_t begin, sector_t len,
		    unsigned int argc, char **argv, char *msg)
{
	struct daxlinear_range *ranges = table->ranges;
	sector_t end;
	unsigned int i;
	int err;

	if (begin % DAXLINEAR_PAGE_SECTORS) {
		scnprintf(msg, DAXLINEAR_MSG_LEN,
			  "the target starts at sector %llu, not at a multiple of a page, %u sectors",
			  (unsigned long long)begin, (unsigned int)DAXLINEAR_PAGE_SECTORS);
		return -EINVAL;
	}

	ranges[0].start = to_page(begin);
	if (argc == LINEAR_ARGS) {
		table->nr_ranges = 1;
		if (len % DAXLINEAR_PAGE_SECTORS) {
			scnprintf(msg, DAXLINEAR_MSG_LEN,
				  "the target is %llu sectors long, not a multiple of a page, %u sectors",
				  (unsigned long long)len,
				  (unsigned int)DAXLINEAR_PAGE_SECTORS);
			return -EINVAL;
		}
		ranges[1].start = to_page(begin + len);
		return parse_offset(ranges, argv[1], msg);
	}

	err = daxlinear_count_ranges(argc, argv, &table->nr_ranges, msg);
	if (err)
		return err;
	for (i = 0; i < table->nr_ranges; i++) {
		err = parse_range(table, i, len, argv + 1 + i * RANGE_ARGS, msg);
		if (err)
			return err;
	}
	end = (ranges[i].start - ranges[0].start) * DAXLINEAR_PAGE_SECTORS;
	if (end != len) {
		scnprintf(msg, DAXLINEAR_MSG_LEN,
			  "the ranges add up to %llu sectors, the target has %llu",
			  (unsigned long long)end, (unsigned long long)len);
		return -EINVAL;
	}
	return parse_options(table, argc - 1 - i * RANGE_ARGS, argv + 1 + i * RANGE_ARGS, msg);
}

/*
 * How many entries an index by granule has, the granule being the largest power of
 * two that divides all boundaries: each granule then lies in one range.  0 if there
 * is no need for one, or if it would be too large.
 */
size_t daxlinear_index_len(struct daxlinear_table *table)
{
	const struct daxlinear_range *ranges = table->ranges;
	/* No granule is larger, for the sake of its inverse. */
	u64 bits = 1ULL << 32, len;
	unsigned int i;

	if (table->nr_ranges <= 2)
		return 0;
	for (i = 1; i < table->nr_ranges; i++)
		bits |= ranges[i].start - ranges[0].start;
	table->granule_inverse = (1ULL << 32) >> __ffs64(bits);
	len = ((ranges[i].start - 1 - ranges[0].start) >> __ffs64(bits)) + 1;
	if (len > INDEX_ANYWAY && len / INDEX_PER_RANGE > table->nr_ranges)
		return 0;
	return len;
}

/* Fill in @table->index, which has room for daxlinear_index_len() entries. */
void daxlinear_fill_index(struct daxlinear_table *table)
{
	const struct daxlinear_range *ranges = table->ranges;
	u64 granule = 0, end;
	unsigned int i;

	for (i = 0; i < table->nr_ranges; i++) {
		end = daxlinear_granule(table, ranges[i + 1].start - 1) + 1;
		while (granule < end)
			table->index[granule++] = i;
	}
}

/* The range that holds @page of the mapped device. */
const struct daxlinear_range *daxlinear_find(const struct daxlinear_table *table,
					     pgoff_t page)
{
	unsigned int low = 0, high = table->nr_ranges;

	if (table->index)
		return daxlinear_indexed(table, page);
	while (high - low > 1) {
		unsigned int mid = low + (high - low) / 2;

		if (table->ranges[mid].start <= page)
			low = mid;
		else
			high = mid;
	}
	return &table->ranges[low];
}
