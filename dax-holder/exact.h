/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAX_HOLDER_EXACT_H
#define DAX_HOLDER_EXACT_H

#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

/*
 * For tables that stay: kvmalloc() would round up to a power of two of pages, if it
 * can, and use up to twice the memory.  To be freed with kvfree().
 */
static inline void *exact_alloc(size_t bytes)
{
	return bytes > PAGE_SIZE ? vmalloc(bytes) : kmalloc(bytes, GFP_KERNEL);
}

#endif
