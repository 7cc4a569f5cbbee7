/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAX_HOLDER_EXACT_H
#define DAX_HOLDER_EXACT_H

#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

/*
 * Allocate a long-lived table without slack.  kvmalloc() first tries kmalloc(), which rounds up
 * to a power of two of pages and may take twice the memory.  Free the result with kvfree().
 */
static inline void *exact_alloc(size_t bytes)
{
	return bytes > PAGE_SIZE ? vmalloc(bytes) : kmalloc(bytes, GFP_KERNEL);
}

#endif
