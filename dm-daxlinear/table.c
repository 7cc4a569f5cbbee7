// SPDX-License-Identifier: GPL-2.0
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/string.h>

#include "table.h"

/* Words of dm-linear's form: a device and an offset. */
#define LINEAR_ARGS	2
/* Words of one range: a device, an offset and a length. */
#define RANGE_ARGS	3

/* Most buckets for a range, unless the inverse of so large a bucket would be 0. */
#define BUCKETS_PER_RANGE	2
#define BUCKET_SHIFT_MAX	32

static __printf(2, 3) int refuse(char *msg, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vscnprintf(msg, DAXLINEAR_MSG_LEN, fmt, args);
	va_end(args);
	return -EINVAL;
}

static int parse_sectors(const char *what, const char *word, sector_t least,
			 sector_t *sectors, char *msg)
{
	unsigned long long value;

	if (kstrtoull(word, 10, &value) || value < least)
		return refuse(msg, "%s \"%.40s\" is no number of sectors from %llu up",
			      what, word, least);
	if (value % DAXLINEAR_PAGE_SECTORS)
		return refuse(msg, "%s %llu is not a multiple of a page, %lu sectors",
			      what, value, DAXLINEAR_PAGE_SECTORS);
	*sectors = value;
	return 0;
}

static pgoff_t to_page(sector_t sector)
{
	return sector / DAXLINEAR_PAGE_SECTORS;
}

/**
 * daxlinear_count_ranges() - count the ranges of a table line
 * @argc: Number of words of the line.
 * @argv: The words.
 * @nr_ranges: Set to the number of ranges that daxlinear_parse() will find, or refuse.
 * @msg: On an error, set to what to correct; has room for DAXLINEAR_MSG_LEN.
 *
 * Return: 0 or -EINVAL.
 */
int daxlinear_count_ranges(unsigned int argc, char **argv, unsigned int *nr_ranges,
			   char *msg)
{
	if (argc == LINEAR_ARGS) {
		*nr_ranges = 1;
		return 0;
	}
	if (argc < 1 + RANGE_ARGS)
		return refuse(msg,
			      "%u words are too few: give DEV OFFSET, or N and N times DEV OFFSET LEN",
			      argc);
	if (kstrtouint(argv[0], 10, nr_ranges) || !*nr_ranges)
		return refuse(msg, "\"%.40s\" is no number of ranges: give one of at least 1",
			      argv[0]);
	if (*nr_ranges > (argc - 1) / RANGE_ARGS)
		return refuse(msg,
			      "%u ranges need %llu words, DEV OFFSET LEN for each, and there are %u",
			      *nr_ranges, (unsigned long long)*nr_ranges * RANGE_ARGS, argc - 1);
	return 0;
}

/**
 * daxlinear_path() - the word that names the device of a range
 * @argc: Number of words of the line, which daxlinear_parse() has accepted.
 * @argv: The words.
 * @range: Number of the range, from 0.
 *
 * Return: One of the words.
 */
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
	if (kstrtouint(argv[0], 10, &nr) || nr != argc - 1)
		return refuse(msg, "\"%.40s\" is not the number of options: %u words follow it",
			      argv[0], argc - 1);
	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "align_pmd"))
			table->align_pmd = true;
		else if (!strcmp(argv[i], "align_2m"))
			table->align_2m = true;
		else if (!strcmp(argv[i], "allow_move"))
			table->allow_move = true;
		else
			return refuse(msg,
				      "\"%.40s\" is no option: there are align_pmd and allow_move",
				      argv[i]);
	}
	return 0;
}

/* Name the range in a message that is without its number. */
static int refuse_range(char *msg, unsigned int i)
{
	char why[DAXLINEAR_MSG_LEN];

	scnprintf(why, sizeof(why), "%s", msg);
	return refuse(msg, "range %u: %s", i, why);
}

static int parse_range(struct daxlinear_table *table, unsigned int i, sector_t len,
		       char **words, char *msg)
{
	struct daxlinear_range *range = &table->ranges[i];
	sector_t start, offset, range_len;

	start = (range->start - table->ranges[0].start) * DAXLINEAR_PAGE_SECTORS;
	if (parse_sectors("offset", words[1], 0, &offset, msg) ||
	    parse_sectors("length", words[2], 1, &range_len, msg))
		return -EINVAL;
	if (range_len > len - start)
		return refuse(msg,
			      "starts at %llu in the target and is %llu long, past the target's end at %llu",
			      start, range_len, len);
	range->delta = to_page(offset) - range->start;
	range[1].start = range->start + to_page(range_len);
	return 0;
}

static int parse_ranges(struct daxlinear_table *table, sector_t len, unsigned int argc,
			char **argv, char *msg)
{
	const struct daxlinear_range *ranges = table->ranges;
	unsigned int i, used = 1;
	sector_t end;

	for (i = 0; i < table->nr_ranges; i++, used += RANGE_ARGS)
		if (parse_range(table, i, len, argv + used, msg))
			return refuse_range(msg, i);
	end = (ranges[i].start - ranges[0].start) * DAXLINEAR_PAGE_SECTORS;
	if (end != len)
		return refuse(msg, "the ranges add up to %llu sectors, the target has %llu",
			      end, len);
	for (; i + 1 < daxlinear_room(table->nr_ranges); i++)
		table->ranges[i + 1].start = ranges[i].start;
	return parse_options(table, argc - used, argv + used, msg);
}

/**
 * daxlinear_parse() - parse a table line
 * @table: Filled in, but for the index and the devices; has @nr_ranges of
 *	daxlinear_count_ranges(), the room of daxlinear_room(), and no option set.
 * @begin: The target's start in the mapped device.
 * @len: The target's length.
 * @argc: Number of words of the line.
 * @argv: The words.
 * @msg: On an error, set to what to correct; has room for DAXLINEAR_MSG_LEN.
 *
 * The caller finds out which device a range is on, where that starts in its dax_device, and
 * whether the range fits.
 *
 * Return: 0 or -EINVAL.
 */
int daxlinear_parse(struct daxlinear_table *table, sector_t begin, sector_t len,
		    unsigned int argc, char **argv, char *msg)
{
	struct daxlinear_range *ranges = table->ranges;
	sector_t offset;

	if (begin % DAXLINEAR_PAGE_SECTORS)
		return refuse(msg,
			      "the target starts at sector %llu, not at a multiple of a page, %lu sectors",
			      begin, DAXLINEAR_PAGE_SECTORS);
	ranges[0].start = to_page(begin);
	if (argc != LINEAR_ARGS)
		return parse_ranges(table, len, argc, argv, msg);

	if (len % DAXLINEAR_PAGE_SECTORS)
		return refuse(msg,
			      "the target is %llu sectors long, not a multiple of a page, %lu sectors",
			      len, DAXLINEAR_PAGE_SECTORS);
	if (parse_sectors("offset", argv[1], 0, &offset, msg))
		return -EINVAL;
	ranges[0].delta = to_page(offset) - ranges[0].start;
	ranges[1].start = to_page(begin + len);
	return 0;
}

/**
 * daxlinear_index_len() - length of an index by bucket
 * @table: The table, parsed; its bucket is set.
 *
 * A bucket is the smallest power of two of pages that makes at most BUCKETS_PER_RANGE buckets for
 * each range.  Only if the ranges are 32 TiB on average there may be more.
 *
 * Return: The number of buckets, or 0 if no index is needed.
 */
size_t daxlinear_index_len(struct daxlinear_table *table)
{
	const struct daxlinear_range *ranges = table->ranges;
	u64 last = ranges[table->nr_ranges].start - 1 - ranges[0].start;
	u64 most = (u64)table->nr_ranges * BUCKETS_PER_RANGE;
	unsigned int shift = 0;

	if (table->nr_ranges <= DAXLINEAR_SOME)
		return 0;
	while (shift < BUCKET_SHIFT_MAX && last >> shift >= most)
		shift++;
	table->bucket_inverse = (1ULL << BUCKET_SHIFT_MAX) >> shift;
	return (last >> shift) + 1;
}

/**
 * daxlinear_fill_index() - fill in the index, and where a bisection starts
 * @table: The table, whose index has room for daxlinear_index_len() entries.
 */
void daxlinear_fill_index(struct daxlinear_table *table)
{
	struct daxlinear_range *ranges = table->ranges;
	u64 bucket = 0, end;
	unsigned int i;

	table->half = rounddown_pow_of_two(table->nr_ranges) / 2;
	table->upper = &ranges[table->nr_ranges - 2 * table->half];
	for (i = 0; i < table->nr_ranges; i++) {
		end = daxlinear_bucket(table, ranges[i + 1].start - 1) + 1;
		while (bucket < end)
			table->index[bucket++] = i;
	}
}

/**
 * daxlinear_find() - find the range that contains a page
 * @table: The table.
 * @page: A page of the mapped device that the table maps.
 *
 * Return: The range.
 */
const struct daxlinear_range *daxlinear_find(const struct daxlinear_table *table,
					     pgoff_t page)
{
	const struct daxlinear_range *range;

	if (table->nr_ranges <= DAXLINEAR_FEW)
		return daxlinear_scan(table->ranges, page);
	range = table->index ? daxlinear_first(table, page) : table->ranges;
	if (daxlinear_is_far(table, range, page))
		return daxlinear_bisect(table, page);
	return daxlinear_stride(range, page);
}
