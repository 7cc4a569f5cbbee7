// SPDX-License-Identifier: GPL-2.0
/* Table lines, good and spoilt, see table_case.h; and the messages for bad ones. */
#include "table_case.h"

static const char * const junk[] = {
	"", "-1", "+", "0x10", "1.5", "18446744073709551615", "18446744073709551616",
	"99999999999999999999999999", "12 ", "abc", "8k", "0", "4294967296", "2", "9",
};

/* A good line with a word spoilt, lost or added. */
static void spoilt_line(void)
{
	unsigned int nr = 1 + unit_below(4), i, spoil, how = unit_below(3);
	char msg[DAXLINEAR_MSG_LEN];

	nr_words = 0;
	word("%llu", nr);
	for (i = 0; i < nr; i++) {
		word("/dev/pmem%llu", i);
		word("%llu", DAXLINEAR_PAGE_SECTORS * unit_below(100));
		word("%llu", 8 * DAXLINEAR_PAGE_SECTORS);
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
			word(unit_below(2) ? "align_pmd" : "bogus", 0);
	}
	check_line(0, nr * 8 * DAXLINEAR_PAGE_SECTORS, msg);
}

static void expect(const char *line, u64 begin, u64 len, const char *reason)
{
	char msg[DAXLINEAR_MSG_LEN], copy[256], *next;
	int err;

	nr_words = 0;
	snprintf(copy, sizeof(copy), "%s", line);
	for (next = strtok(copy, " "); next; next = strtok(NULL, " "))
		words[nr_words++] = next;
	err = check_line(begin, len, msg);
	if (!reason && !err)
		return;
	if (reason && err && strstr(msg, reason))
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
	expect("d 9", 0, 8, "offset 9 is not a multiple of a page, 8 sectors");
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
	expect("2 d 0 8 d 4 8", 0, 16, "range 1: offset 4 is not a multiple of a page");
	expect("1 d 0 0", 0, 8, "range 0: length \"0\"");
	expect("1 d 0 -8", 0, 8, "range 0: length \"-8\"");
	expect("2 d 0 8 d 0 12", 0, 20, "range 1: length 12");
	expect("1 d 0 16", 0, 8, "past the target's end at 8");
	expect("2 d 0 8 d 0 18446744073709551608", 0, 16, "past the target's end");
	expect("3 d 0 16 d 0 18446744073709551608 d 0 8", 0, 16, "past the target's end");
	expect("1 d 0 8", 0, 16, "add up to 8 sectors, the target has 16");
	expect("1 d 0 8 1", 0, 8, "\"1\" is not the number of options: 0 words");
	expect("1 d 0 8 align_pmd", 0, 8, "\"align_pmd\" is not the number of options");
	expect("1 d 0 8 1 align_4m", 0, 8, "\"align_4m\" is no option");
	expect("1 d 0 8 1 align_2m", 0, 8, NULL);
	expect("1 d 0 8 1 align_pmd", 0, 8, NULL);
	expect("1 d 0 8 1 align_pmd allow_move", 0, 8, "2 words follow");
	expect("1 d 0 8 3 align_pmd align_2m allow_move", 0, 8, NULL);
}

/* With pages of 16 KiB, 8 sectors are none. */
static void large_pages(void)
{
	expect("d 32", 32, 32, NULL);
	expect("2 d 0 32 d 64 32 1 align_pmd", 0, 64, NULL);
	expect("d 8", 0, 32, "offset 8 is not a multiple of a page, 32 sectors");
	expect("d 0", 8, 32, "starts at sector 8, not at a multiple of a page, 32 sectors");
	expect("d 0", 0, 40, "40 sectors long, not a multiple of a page, 32 sectors");
	expect("2 d 0 32 d 0 8", 0, 40, "range 1: length 8 is not a multiple of a page");
}

int main(int argc, char **argv)
{
	unsigned long cases = argc > 1 ? strtoul(argv[1], NULL, 0) : 1000000;

	if (PAGE_SIZE == 4096)
		fixed_lines();
	else
		large_pages();
	for (unit_case = 0; unit_case < cases; unit_case++) {
		if (unit_case % 4)
			good_line();
		else
			spoilt_line();
	}
	printf("table: %lu random cases agree with the oracle\n", cases);
	return 0;
}
