/* SPDX-License-Identifier: GPL-2.0 */
/* In place of tools/sys/pages.c: the kernel whose pages have these sizes. */
#ifndef UNIT_PAGES_H
#define UNIT_PAGES_H

#include "../../tools/sys/pages.h"

static uint64_t unit_page = 4096, unit_huge_page = 2 << 20;

uint64_t page_bytes(void)
{
	return unit_page;
}

uint64_t huge_page_bytes(void)
{
	return unit_huge_page;
}

#endif
