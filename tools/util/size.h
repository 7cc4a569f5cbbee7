/* SPDX-License-Identifier: GPL-2.0 */
/* Sizes with units, as users write them. */
#ifndef SIZE_H
#define SIZE_H

#include <stdint.h>

#define SECTOR		512ULL
#define KIB		(1ULL << 10)
#define MIB		(1ULL << 20)
#define GIB		(1ULL << 30)
#define TIB		(1ULL << 40)

#define SIZE_TEXT_LEN	32

const char *size_parse(const char *text, uint64_t *bytes);
char *size_text(uint64_t bytes, char *text);

#endif
