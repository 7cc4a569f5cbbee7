// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <unistd.h>

#include "sys/pages.h"
#include "sys/sysfs.h"

/* Bytes of an entry of a page table, on 64 bits. */
#define ENTRY_BYTES	8

/* The size of a page. */
uint64_t page_bytes(void)
{
	return sysconf(_SC_PAGESIZE);
}

/* The kernel's PMD_SIZE: what DAX maps in one piece where memory and file are aligned to it. */
uint64_t huge_page_bytes(void)
{
	static uint64_t bytes;
	char *text;

	if (bytes)
		return bytes;
	text = read_text("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size");
	if (text)
		bytes = strtoull(text, NULL, 10);
	free(text);
	/* Only kernels with huge pages have that file.  A PMD maps a page of entries. */
	if (!bytes)
		bytes = page_bytes() / ENTRY_BYTES * page_bytes();
	return bytes;
}
