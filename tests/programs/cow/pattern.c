// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pattern.h"

/* A word of data: a mark, the step and the word's number in the file. */
#define MARK		UINT64_C(0xda)
#define MARK_SHIFT	56
#define EACH_BYTE	UINT64_C(0x0101010101010101)
#define STEP_SHIFT	40
#define STEP_MASK	0xffffU
#define INDEX_MASK	((UINT64_C(1) << STEP_SHIFT) - 1)

/* Is added to each byte: two steps have no byte in common, unless they are 256 apart. */
static uint64_t step_veil(unsigned int step)
{
	return (step * 29U & 0xffU) * EACH_BYTE;
}

static uint64_t pattern_word(unsigned int step, uint64_t index)
{
	return (MARK << MARK_SHIFT | (uint64_t)(step & STEP_MASK) << STEP_SHIFT | index) ^
	       step_veil(step);
}

static void fill_bytes(unsigned char *to, size_t offset, size_t length, unsigned int step)
{
	uint64_t word = pattern_word(step, offset / 8);

	memcpy(to, (unsigned char *)&word + offset % 8, length);
}

void pattern_fill(unsigned char *to, size_t offset, size_t length, unsigned int step)
{
	size_t head = MIN(-offset % 8, length);

	fill_bytes(to, offset, head, step);
	to += head;
	offset += head;
	length -= head;
	for (; length >= 8; to += 8, offset += 8, length -= 8) {
		uint64_t word = pattern_word(step, offset / 8);

		memcpy(to, &word, 8);
	}
	fill_bytes(to, offset, length, step);
}

void pattern_print(const unsigned char *data, size_t offset, size_t length)
{
	size_t skip = MIN(-offset % 8, length);
	unsigned int step;
	uint64_t word;
	size_t i;

	if (length - skip >= 8) {
		memcpy(&word, data + skip, 8);
		/* The veil is the same in each byte, so the mark gives it away. */
		word ^= (word >> MARK_SHIFT ^ MARK) * EACH_BYTE;
		step = word >> STEP_SHIFT & STEP_MASK;
		if (!memcmp(data + skip, &(uint64_t){ pattern_word(step, word & INDEX_MASK) }, 8)) {
			printf("step %u's of offset %" PRIu64, step, (word & INDEX_MASK) * 8);
			return;
		}
	}
	printf("\"");
	for (i = 0; i < MIN(length, 24); i++) {
		if (data[i] >= ' ' && data[i] < 0x7f && data[i] != '"' && data[i] != '\\')
			printf("%c", data[i]);
		else
			printf("\\x%02x", data[i]);
	}
	printf("\"");
}
