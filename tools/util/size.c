// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "util/size.h"

static const char not_a_size[] =
	"is no size: write a number and, if it isn't bytes, a unit: s (sectors), K, M, G, T or P";
static const char too_large[] = "is too large: sizes end at 16 EiB";
static const char not_whole[] = "is no whole number of bytes";

/* The powers of 1024 that a letter stands for, -1 if it is none. */
static int letter_power(char letter)
{
	static const char letters[] = "KMGTPE";
	int i;

	for (i = 0; letters[i]; i++)
		if (toupper((unsigned char)letter) == letters[i])
			return i + 1;
	return -1;
}

/* Bytes in a unit: nothing or b, s, K or KiB, KB, and so on; 0 if there is no such unit. */
static uint64_t unit_bytes(const char *unit)
{
	uint64_t base = 1024, bytes = 1;
	int power;

	if (!*unit || !strcasecmp(unit, "b"))
		return 1;
	if (!strcasecmp(unit, "s"))
		return SECTOR;
	power = letter_power(*unit);
	if (power < 0)
		return 0;
	unit++;
	if (!strcasecmp(unit, "B"))
		base = 1000;
	else if (*unit && strcasecmp(unit, "iB"))
		return 0;
	while (power--)
		bytes *= base;
	return bytes;
}

/* Digits after a point, in units of so many bytes.  The sum must be a whole number of bytes. */
static const char *add_fraction(const char *digits, uint64_t unit, uint64_t *bytes)
{
	/* Nine digits times 1000^6 would not fit into 64 bits. */
	unsigned __int128 numerator = 0, denominator = 1;

	for (; isdigit((unsigned char)*digits); digits++) {
		if (denominator > 1000000000000000000ULL)
			return not_whole;
		numerator = numerator * 10 + (*digits - '0');
		denominator *= 10;
	}
	if (numerator * unit % denominator)
		return not_whole;
	if (__builtin_add_overflow(*bytes, (uint64_t)(numerator * unit / denominator), bytes))
		return too_large;
	return NULL;
}

/**
 * size_parse - read a size with a unit
 * @text: A number, decimal or in hex with 0x, and a unit.
 * @bytes: Where it goes.
 *
 * Return: NULL, or what is wrong with it, as the end of a sentence that names it.
 */
const char *size_parse(const char *text, uint64_t *bytes)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *fraction = NULL;
	uint64_t number, unit;
	char *end;

	if (!isdigit((unsigned char)text[0]) || (hex && !isxdigit((unsigned char)text[2])))
		return not_a_size;
	errno = 0;
	number = strtoull(text, &end, hex ? 16 : 10);
	if (errno)
		return too_large;
	if (!hex && *end == '.' && isdigit((unsigned char)end[1])) {
		fraction = ++end;
		while (isdigit((unsigned char)*end))
			end++;
	}
	while (*end == ' ')
		end++;
	unit = unit_bytes(end);
	if (!unit)
		return not_a_size;
	if (__builtin_mul_overflow(number, unit, bytes))
		return too_large;
	return fraction ? add_fraction(fraction, unit, bytes) : NULL;
}

/**
 * size_text - write a size with a unit
 * @bytes: The size.
 * @text: Room of SIZE_TEXT_LEN.
 *
 * Exact where that is short: 254 MiB, 1.5 GiB. Otherwise with one digit after the point and a
 * tilde before it.
 *
 * Return: @text.
 */
char *size_text(uint64_t bytes, char *text)
{
	static const char * const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	unsigned int power = 0;
	uint64_t unit;

	while (power < 6 && bytes >> (10 * power) >= 1024)
		power++;
	unit = 1ULL << (10 * power);
	if (bytes % unit == 0)
		snprintf(text, SIZE_TEXT_LEN, "%ju %s", (uintmax_t)(bytes >> (10 * power)),
			 units[power]);
	else if (bytes % (unit / 1024) == 0 && bytes / (unit / 1024) < 10000)
		snprintf(text, SIZE_TEXT_LEN, "%ju %s", (uintmax_t)(bytes / (unit / 1024)),
			 units[power - 1]);
	else
		snprintf(text, SIZE_TEXT_LEN, "~%.1f %s", (double)bytes / (double)unit,
			 units[power]);
	return text;
}
