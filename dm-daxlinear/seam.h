/* SPDX-License-Identifier: GPL-2.0 */
/* Requests across the ends of ranges. */
#ifndef DAXLINEAR_SEAM_H
#define DAXLINEAR_SEAM_H

#include <linux/dax.h>

#include "table.h"

struct dm_target;

/*
 * As long as XFS makes an extent: no caller touches more, though the deduplication of
 * some kernels asks for as many pages more as lie before it in the file.
 */
#define DAXLINEAR_ALIAS_PAGES_MAX	0x200000L

long daxlinear_seamless(struct dm_target *ti, const struct daxlinear_range *range,
			pgoff_t pgoff, long nr_pages, enum dax_access_mode mode, void **kaddr);
void daxlinear_seam_init(void);
void daxlinear_seam_exit(void);

#endif
