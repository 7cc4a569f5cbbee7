// SPDX-License-Identifier: GPL-2.0
/* Sizes as people write them: known ones, and random ones written by us and read back. */
#include <string.h>

#include "../../tools/util/size.h"
#include "unit.h"

static const struct {
	const char *text;
	uint64_t bytes;
} good[] = {
	{ "0", 0 }, { "1", 1 }, { "4096", 4096 }, { "007", 7 }, { "12b", 12 }, { "0x2a000", 0x2a000 },
	{ "0XfF", 255 }, { "8s", 4096 }, { "8S", 4096 }, { "4G", 4 * GIB }, { "4g", 4 * GIB },
	{ "4GiB", 4 * GIB }, { "4gib", 4 * GIB }, { "4GB", 4000000000 }, { "4 GiB", 4 * GIB },
	{ "2M", 2 * MIB }, { "1.5T", TIB + TIB / 2 }, { "0.5K", 512 }, { "1.25s", 640 },
	{ "1.5KB", 1500 }, { "1.000000000000000000M", MIB }, { "16383P", 16383 * (TIB << 10) },
	{ "18446744073709551615", UINT64_MAX }, { "0x10K", 16 * KIB }, { "1E", 1ULL << 60 },
	{ "15.9990234375E", (16ULL << 60) - (1ULL << 50) },
};

static const struct {
	const char *text, *reason;
} bad[] = {
	{ "", "no size" }, { "-1", "no size" }, { "+1", "no size" }, { " 1", "no size" },
	{ "G", "no size" }, { "4X", "no size" }, { "4Gi", "no size" }, { "4GG", "no size" },
	{ "4Gibb", "no size" }, { "4 4", "no size" }, { "4ss", "no size" }, { "4sB", "no size" },
	{ "0x", "no size" }, { "0xg", "no size" }, { "0x1.8K", "no size" }, { "1.", "no size" },
	{ ".5G", "no size" }, { "1..5G", "no size" }, { "1,5G", "no size" }, { "4bB", "no size" },
	{ "1e9", "no size" }, { "4G\n", "no size" }, { "0.5", "no whole" }, { "1.3s", "no whole" },
	{ "0.1K", "no whole" }, { "1.0000000000000000001G", "no whole" },
	{ "18446744073709551616", "too large" }, { "16E", "too large" },
	{ "99999999999999999999999999", "too large" }, { "0x10000000000000000", "too large" },
	{ "16384P", "too large" }, { "36028797018963968s", "too large" },
	{ "18446744073709551615.5K", "too large" },
};

static const struct {
	uint64_t bytes;
	const char *text;
} written[] = {
	{ 0, "0 B" }, { 1023, "1023 B" }, { 4096, "4 KiB" }, { 254 * MIB, "254 MiB" },
	{ GIB + GIB / 2, "1536 MiB" }, { 126 * GIB, "126 GiB" }, { 4097, "4097 B" },
	{ GIB + 4096, "~1.0 GiB" }, { 16000 * GIB, "~15.6 TiB" }, { UINT64_MAX, "~16.0 EiB" },
};

static void check_read(const char *text, uint64_t want)
{
	uint64_t bytes = ~want;
	const char *wrong = size_parse(text, &bytes);

	if (wrong || bytes != want) {
		fprintf(stderr, "\"%s\": %s, %ju, wanted %ju\n", text, wrong ? wrong : "read",
			(uintmax_t)bytes, (uintmax_t)want);
		exit(1);
	}
}

static void known(void)
{
	char text[SIZE_TEXT_LEN];
	const char *wrong;
	uint64_t bytes;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		check_read(good[i].text, good[i].bytes);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		wrong = size_parse(bad[i].text, &bytes);
		if (!wrong || !strstr(wrong, bad[i].reason)) {
			fprintf(stderr, "\"%s\": \"%s\", wanted \"%s\"\n", bad[i].text,
				wrong ? wrong : "read", bad[i].reason);
			exit(1);
		}
	}
	for (i = 0; i < sizeof(written) / sizeof(written[0]); i++) {
		if (strcmp(size_text(written[i].bytes, text), written[i].text)) {
			fprintf(stderr, "%ju is \"%s\", wanted \"%s\"\n",
				(uintmax_t)written[i].bytes, text, written[i].text);
			exit(1);
		}
	}
}

/* What is written exactly reads as the same; what is not, as nearly the same. */
static void round_trip(void)
{
	uint64_t bytes = unit_random() >> unit_below(64), read;
	char text[SIZE_TEXT_LEN];

	if (unit_below(2))
		bytes &= ~0ULL << unit_below(64);
	size_text(bytes, text);
	if (text[0] != '~') {
		check_read(text, bytes);
		return;
	}
	/* One digit after the point may be half a tenth off, and not a whole number of bytes. */
	if (!size_parse(text + 1, &read))
		CHECK((read > bytes ? read - bytes : bytes - read) <= bytes / 20);
}

/* Any text at all is read or refused, and never past its end. */
static void junk(void)
{
	static const char letters[] = "0123456789.xXsSbBkKMGTPEi -+e";
	size_t length = unit_below(24), i;
	char *text = malloc(length + 1);
	uint64_t bytes;

	for (i = 0; i < length; i++)
		text[i] = letters[unit_below(sizeof(letters) - 1)];
	text[length] = '\0';
	size_parse(text, &bytes);
	free(text);
}

int main(int argc, char **argv)
{
	unsigned long cases = argc > 1 ? strtoul(argv[1], NULL, 0) : 1000000;

	known();
	for (unit_case = 0; unit_case < cases; unit_case++) {
		round_trip();
		junk();
	}
	printf("size: %lu random sizes read as they were written\n", cases);
	return 0;
}
