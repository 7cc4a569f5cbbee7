/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Table lines, and the way from a page of the mapped device to a page of a child, against
 * an oracle that reads the grammar of Documentation/daxlinear.rst word by word, in 128
 * bits, and walks the ranges one by one.
 */
#ifndef TABLE_CASE_H
#define TABLE_CASE_H

#include <string.h>

#include <linux/errno.h>
#include <linux/kernel.h>

#include "../../dm-daxlinear/table.h"
#include "unit.h"

#define MAX_RANGES	96
#define MAX_WORDS	(1 + 3 * MAX_RANGES + 4)
#define WORD_LEN	32

static char *words[MAX_WORDS];
static unsigned int nr_words;
static char texts[MAX_WORDS][WORD_LEN];

static inline void word(const char *format, unsigned long long value)
{
	snprintf(texts[nr_words], WORD_LEN, format, value);
	words[nr_words] = texts[nr_words];
	nr_words++;
}

/* What a line means, in sectors. */
struct meaning {
	unsigned int nr_ranges;
	bool align_pmd;
	bool align_2m;
	bool allow_move;
	u64 starts[MAX_RANGES + 1];	/* in the mapped device */
	u64 offsets[MAX_RANGES];
	unsigned int paths[MAX_RANGES];	/* which word */
};

static bool means_number(const char *word, u64 most, u64 *value)
{
	unsigned __int128 sum = 0;

	if (*word == '+')
		word++;
	if (!*word || *word == '\n')
		return false;
	for (; *word && !(*word == '\n' && !word[1]); word++) {
		if (*word < '0' || *word > '9')
			return false;
		sum = sum * 10 + (*word - '0');
		if (sum > most)
			return false;
	}
	*value = sum;
	return true;
}

static bool means_pages(const char *word, u64 *value)
{
	return means_number(word, ULLONG_MAX, value) && !(*value % DAXLINEAR_PAGE_SECTORS);
}

static bool means_options(unsigned int first, struct meaning *meaning)
{
	u64 nr;

	if (first == nr_words)
		return true;
	if (!means_number(words[first], UINT_MAX, &nr) || nr != nr_words - first - 1)
		return false;
	while (++first < nr_words) {
		if (!strcmp(words[first], "align_pmd"))
			meaning->align_pmd = true;
		else if (!strcmp(words[first], "align_2m"))
			meaning->align_2m = true;
		else if (!strcmp(words[first], "allow_move"))
			meaning->allow_move = true;
		else
			return false;
	}
	return true;
}

/* What the words mean in a target at @begin, @len long; false if it is nothing. */
static bool means(u64 begin, u64 len, struct meaning *meaning)
{
	unsigned __int128 end = 0;
	u64 nr, range_len;
	unsigned int i;

	memset(meaning, 0, sizeof(*meaning));
	if (begin % DAXLINEAR_PAGE_SECTORS || len % DAXLINEAR_PAGE_SECTORS)
		return false;
	meaning->starts[0] = begin;
	if (nr_words == 2) {
		meaning->nr_ranges = 1;
		meaning->starts[1] = begin + len;
		return means_pages(words[1], &meaning->offsets[0]);
	}
	if (!nr_words || !means_number(words[0], UINT_MAX, &nr) || !nr ||
	    nr > (nr_words - 1) / 3)
		return false;
	meaning->nr_ranges = nr;
	for (i = 0; i < nr; i++) {
		meaning->paths[i] = 1 + 3 * i;
		if (!means_pages(words[2 + 3 * i], &meaning->offsets[i]) ||
		    !means_pages(words[3 + 3 * i], &range_len) || !range_len)
			return false;
		end += range_len;
		if (end > len)
			return false;
		meaning->starts[i + 1] = begin + end;
	}
	return end == len && means_options(1 + 3 * nr, meaning);
}

/* A page of the mapped device is where the meaning says. */
static void check_page(const struct daxlinear_table *table, const struct meaning *meaning,
		       u64 page)
{
	u64 sector = page * DAXLINEAR_PAGE_SECTORS, into, left;
	const struct daxlinear_range *range = daxlinear_find(table, page);
	unsigned int want = 0;

	while (sector >= meaning->starts[want + 1])
		want++;
	into = sector - meaning->starts[want];
	left = meaning->starts[want + 1] - sector;
	CHECK(range == &table->ranges[want]);
	CHECK(daxlinear_page(range, page) ==
	      meaning->offsets[want] / DAXLINEAR_PAGE_SECTORS + into / DAXLINEAR_PAGE_SECTORS);
	CHECK(daxlinear_left(range, page) == left / DAXLINEAR_PAGE_SECTORS);
}

static void check_pages(const struct daxlinear_table *table, const struct meaning *meaning)
{
	unsigned int nr = meaning->nr_ranges, i;

	for (i = 0; i < nr; i++) {
		u64 start = meaning->starts[i] / DAXLINEAR_PAGE_SECTORS;
		u64 end = meaning->starts[i + 1] / DAXLINEAR_PAGE_SECTORS;

		check_page(table, meaning, start);
		check_page(table, meaning, end - 1);
		check_page(table, meaning, start + unit_below(end - start));
	}
}

/*
 * The words are taken for what they mean, or refused with a reason; @msg has room for
 * that.
 */
static int check_line(u64 begin, u64 len, char *msg)
{
	char **argv = malloc(nr_words * sizeof(*argv));
	struct daxlinear_table *table = NULL;
	struct meaning meaning;
	bool good = means(begin, len, &meaning);
	size_t index_len;
	unsigned int nr, i;
	int err;

	/* All exactly as large as the line needs, so that ASan sees a step too far. */
	memcpy(argv, words, nr_words * sizeof(*argv));
	memset(msg, 0, DAXLINEAR_MSG_LEN);
	err = daxlinear_count_ranges(nr_words, argv, &nr, msg);
	if (!err) {
		CHECK(nr >= 1 && nr <= nr_words);
		table = calloc(1, sizeof(*table) +
			       daxlinear_room(nr) * sizeof(table->ranges[0]));
		table->nr_ranges = nr;
		err = daxlinear_parse(table, begin, len, nr_words, argv, msg);
	}
	CHECK(err == (good ? 0 : -EINVAL));
	CHECK(good == !msg[0]);
	CHECK(strlen(msg) < DAXLINEAR_MSG_LEN);
	if (!good)
		goto free;

	CHECK(table->nr_ranges == meaning.nr_ranges);
	CHECK(table->align_pmd == meaning.align_pmd);
	CHECK(table->align_2m == meaning.align_2m);
	CHECK(table->allow_move == meaning.allow_move);
	for (i = 0; i < meaning.nr_ranges; i++)
		CHECK(daxlinear_path(nr_words, argv, i) == words[meaning.paths[i]]);

	index_len = daxlinear_index_len(table);
	CHECK(!index_len == (table->nr_ranges <= DAXLINEAR_SOME));
	CHECK(index_len <= 2UL * table->nr_ranges ||
	      index_len - 1 <= len / DAXLINEAR_PAGE_SECTORS >> 32);
	if (index_len) {
		table->index = calloc(index_len, sizeof(*table->index));
		daxlinear_fill_index(table);
	}
	check_pages(table, &meaning);
	free(table->index);
free:
	free(table);
	free(argv);
	return err;
}

/* A good line of the numbers that unit_below() gives. */
static inline void good_line(void)
{
	unsigned int nr = 1 + unit_below(unit_below(4) ? 5 : MAX_RANGES), i;
	unsigned int options = unit_below(8), bits = unit_below(unit_below(2) ? 4 : 32);
	u64 begin = DAXLINEAR_PAGE_SECTORS * unit_below(1ULL << 40);
	u64 offset, len, coarse = 1ULL << unit_below(16), sum = 0;
	bool plain = nr == 1 && !options && unit_below(2);
	char msg[DAXLINEAR_MSG_LEN];

	nr_words = 0;
	if (!plain)
		word("%llu", nr);
	for (i = 0; i < nr; i++) {
		offset = DAXLINEAR_PAGE_SECTORS * unit_below(1ULL << 40);
		len = DAXLINEAR_PAGE_SECTORS * coarse * (1 + unit_below(1ULL << bits));
		sum += len;
		word("/dev/pmem%llu", i);
		word("%llu", offset);
		if (!plain)
			word("%llu", len);
	}
	if (options) {
		word("%llu", __builtin_popcount(options));
		if (options & 1)
			word("align_2m", 0);
		if (options & 2)
			word("allow_move", 0);
		if (options & 4)
			word("align_pmd", 0);
	} else if (!plain && unit_below(2)) {
		word("%llu", 0);
	}
	CHECK(!check_line(begin, sum, msg));
}

#endif
