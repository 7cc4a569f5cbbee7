/* SPDX-License-Identifier: GPL-2.0 */
/* The sizes of pages, which depend on the architecture and on how the kernel was built. */
#ifndef PAGES_H
#define PAGES_H

#include <stdint.h>

uint64_t page_bytes(void);
uint64_t huge_page_bytes(void);

#endif
