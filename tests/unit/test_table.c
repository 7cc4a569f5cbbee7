// SPDX-License-Identifier: GPL-2.0
/*
 * Table lines, good and spoilt, and the way from a sector of the target to a
 * sector of a device, against an oracle that walks the ranges one by one.
 */
#include <string.h>

#include <linux/errno.h>
#include <linux/kernel.h>

#include "../../dm-daxlinear/table.h"
#include "unit.h"

#define MAX_RANGES	24
#define MAX_WORDS	(1 + 3 * MAX_RANGES + 4)
#define WORD_LEN	32

static char words[MAX_WORDS][WORD_LEN];
static char *argv_words[MAX_WORDS];
static unsigned int nr_words;

static void word(const char *format, unsigned long long value)
{
	snprintf(words[nr_words], WORD_LEN, format, value);
	argv_words[nr_words] = words[nr_words];
	nr_words++;
}

/* Exactly as large as the line needs, so that ASan sees a step too far. */
static struct daxlinear_range *ranges_for(unsigned int nr)
{
	return calloc(nr + 1, sizeof(struct daxlinear_range));
}

static int parse(struct daxlinear_table *table, u64 begin, u64 len, char *msg)
{
	unsigned int nr;
	int err;

	memset(table, 0, sizeof(*table));
	err = daxlinear_count_ranges(nr_words, argv_words, &nr, msg);
	if (err)
		return err;
	CHECK(nr >= 1 && nr <= nr_words);
	table->ranges = ranges_for(nr);
	return daxlinear_parse(table, begin, len, nr_words, argv_words, msg);
}

static void good_line(void)
{
	u64 offsets[MAX_RANGES], starts[MAX_RANGES + 1], begin, sector;
	unsigned int nr = 1 + unit_below(unit_below(4) ? 5 : MAX_RANGES), i, options;
	const struct daxlinear_range *range;
	struct daxlinear_table table;
	char msg[DAXLINEAR_MSG_LEN];
	size_t index_len;
	bool plain;

	u64 coarse = 1ULL << unit_below(16);
	unsigned int bits = unit_below(unit_below(2) ? 4 : 32);

	nr_words = 0;
	starts[0] = 0;
	begin = DAXLINEAR_PAGE_SECTORS * unit_below(1ULL << 40);
	for (i = 0; i < nr; i++) {
		offsets[i] = unit_below(1ULL << 40);
		starts[i + 1] = starts[i] +
			DAXLINEAR_PAGE_SECTORS * coarse * (1 + unit_below(1ULL << bits));
	}
	options = unit_below(4);
	plain = nr == 1 && !options && unit_below(2);
	if (plain) {
		word("/dev/pmem%llu", 0);
		word("%llu", offsets[0]);
	} else {
		word("%llu", nr);
		for (i = 0; i < nr; i++) {
			word("/dev/pmem%llu", i);
			word("%llu", offsets[i]);
			word("%llu", starts[i + 1] - starts[i]);
		}
		if (options) {
			word("%llu", (options & 1) + (options >> 1));
			if (options & 1)
				word("align_2m", 0);
			if (options & 2)
				word("allow_move", 0);
		} else if (unit_below(2)) {
			word("%llu", 0);
		}
	}

	CHECK(!parse(&table, begin, starts[nr], msg));
	CHECK(table.nr_ranges == nr);
	CHECK(table.align_2m == !!(options & 1));
	CHECK(table.allow_move == !!(options & 2));
	for (i = 0; i < nr; i++)
		CHECK(!strcmp(daxlinear_path(nr_words, argv_words, i),
			      words[plain ? 0 : 1 + 3 * i]));

	index_len = daxlinear_index_len(&table);
	if (index_len && unit_below(2)) {
		table.index = calloc(index_len, sizeof(*table.index));
		daxlinear_fill_index(&table);
	}
	for (i = 0; i < 4 * nr; i++) {
		unsigned int want = unit_below(nr);

		/* Boundaries, and in between. */
		sector = unit_below(2) ? starts[want] : unit_below(2) ? starts[want + 1] - 1 :
			 unit_below(starts[nr]);
		for (want = 0; sector >= starts[want + 1];)
			want++;
		range = daxlinear_find(&table, sector);
		CHECK(range == &table.ranges[want]);
		CHECK(daxlinear_sector(range, sector) ==
		      offsets[want] + (sector - starts[want]));
		CHECK(daxlinear_left(range, sector) == starts[want + 1] - sector);
	}
	free(table.index);
	free(table.ranges);
}

static const char * const junk[] = {
	"", "-1", "+", "0x10", "1.5", "18446744073709551615", "18446744073709551616",
	"99999999999999999999999999", "12 ", "abc", "8k", "0", "4294967296", "2", "9",
};

/* A good line with a word spoilt, lost or added: never past the end, always a reason. */
static void spoilt_line(void)
{
	unsigned int nr = 1 + unit_below(4), i, spoil, how = unit_below(3);
	struct daxlinear_table table;
	char msg[DAXLINEAR_MSG_LEN];
	u64 len = nr * 64;
	int err;

	nr_words = 0;
	word("%llu", nr);
	for (i = 0; i < nr; i++) {
		word("/dev/pmem%llu", i);
		word("%llu", 8 * unit_below(100));
		word("%llu", 64);
	}
	spoil = unit_below(nr_words);
	if (how == 0) {
		snprintf(words[spoil], WORD_LEN, "%s",
			 junk[unit_below(sizeof(junk) / sizeof(junk[0]))]);
	} else if (how == 1) {
		nr_words -= 1 + unit_below(nr_words);
	} else {
		word("%llu", unit_below(6));
		while (unit_below(3) && nr_words < MAX_WORDS)
			word(unit_below(2) ? "align_2m" : "bogus", 0);
	}

	msg[0] = '\0';
	err = parse(&table, 0, len, msg);
	CHECK(err == 0 || err == -EINVAL);
	if (err) {
		CHECK(msg[0] && strlen(msg) < DAXLINEAR_MSG_LEN);
	} else {
		for (i = 0; i < table.nr_ranges; i++)
			CHECK(table.ranges[i].start < table.ranges[i + 1].start);
		CHECK(table.ranges[i].start == len);
	}
	free(table.ranges);
}

static void expect(const char *line, u64 begin, u64 len, const char *reason)
{
	struct daxlinear_table table;
	char msg[DAXLINEAR_MSG_LEN] = "", copy[256], *next;
	int err;

	nr_words = 0;
	snprintf(copy, sizeof(copy), "%s", line);
	for (next = strtok(copy, " "); next; next = strtok(NULL, " "))
		argv_words[nr_words++] = next;
	err = parse(&table, begin, len, msg);
	free(table.ranges);
	if (!reason && !err)
		return;
	if (reason && err == -EINVAL && strstr(msg, reason))
		return;
	fprintf(stderr, "\"%s\": %d \"%s\", wanted \"%s\"\n", line, err, msg,
		reason ? reason : "no error");
	exit(1);
}

static void fixed_lines(void)
{
	expect("d 8", 0, 8, NULL);
	expect("d 0", 8, 16, NULL);
	expect("1 d 0 16 0", 0, 16, NULL);
	expect("2 d 0 8 d 0 8", 0, 16, NULL);
	expect("", 0, 8, "too few");
	expect("d", 0, 8, "too few");
	expect("1 d 0", 0, 8, "too few");
	expect("d x", 0, 8, "\"x\" is no number of sectors");
	expect("d -8", 0, 8, "\"-8\" is no number of sectors");
	expect("d 18446744073709551616", 0, 8, "is no number of sectors");
	expect("d 0", 0, 12, "12 sectors long");
	expect("d 0", 4, 8, "starts at sector 4");
	expect("0 d 0 8", 0, 8, "\"0\" is no number of ranges");
	expect("-1 d 0 8", 0, 8, "\"-1\" is no number of ranges");
	expect("2 d 0 8", 0, 8, "2 ranges need 6 words");
	expect("4294967295 d 0 8", 0, 8, "4294967295 ranges need 12884901885 words");
	expect("4294967296 d 0 8", 0, 8, "is no number of ranges");
	expect("1 d x 8", 0, 8, "range 0: offset \"x\"");
	expect("1 d 0 0", 0, 8, "range 0: length \"0\"");
	expect("1 d 0 -8", 0, 8, "range 0: length \"-8\"");
	expect("2 d 0 8 d 0 12", 0, 20, "range 1: length 12");
	expect("1 d 0 16", 0, 8, "past the target's end at 8");
	expect("2 d 0 8 d 0 18446744073709551608", 0, 16, "past the target's end");
	expect("1 d 0 8", 0, 16, "add up to 8 sectors, the target has 16");
	expect("1 d 0 8 1", 0, 8, "\"1\" is not the number of options: 0 words");
	expect("1 d 0 8 align_2m", 0, 8, "\"align_2m\" is not the number of options");
	expect("1 d 0 8 1 align_4m", 0, 8, "\"align_4m\" is no option");
	expect("1 d 0 8 1 align_2m allow_move", 0, 8, "2 words follow");
	expect("1 d 0 8 2 align_2m allow_move", 0, 8, NULL);
}

int main(int argc, char **argv)
{
	unsigned long cases = argc > 1 ? strtoul(argv[1], NULL, 0) : 1000000;

	fixed_lines();
	for (unit_case = 0; unit_case < cases; unit_case++) {
		if (unit_case % 4)
			good_line();
		else
			spoilt_line();
	}
	printf("table: %lu random cases agree with the oracle\n", cases);
	return 0;
}
