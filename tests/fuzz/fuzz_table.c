// SPDX-License-Identifier: GPL-2.0
/*
 * The table line as text: where the target starts, how long it is, or that it is as
 * long as its ranges, and words with a blank between each two.
 */
#include "../unit/table_case.h"

#define TEXT_MAX	2048

/* The sum of the lengths in the words: most random lines would not fit their target. */
static u64 claimed_len(void)
{
	u64 sum = 0, len;
	unsigned int i;

	for (i = 3; i < nr_words; i += 3)
		if (means_number(words[i], ULLONG_MAX, &len))
			sum += len;
	return sum ? sum : DAXLINEAR_PAGE_SECTORS;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[TEXT_MAX + 1], msg[DAXLINEAR_MSG_LEN], *rest = text, *next;
	u64 begin, len;

	if (size < 2 || size - 2 > TEXT_MAX)
		return -1;
	begin = data[0];
	len = data[1];
	unit_input = data;
	unit_input_len = size;
	memcpy(text, data + 2, size - 2);
	text[size - 2] = '\0';
	for (nr_words = 0; nr_words < MAX_WORDS && (next = strsep(&rest, " "));)
		words[nr_words++] = next;
	if (!len)
		len = claimed_len();
	/* Larger devices device-mapper refuses itself. */
	if (len > LLONG_MAX / 512 - begin)
		return -1;
	check_line(begin, len, msg);
	return 0;
}
