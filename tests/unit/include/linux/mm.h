/* SPDX-License-Identifier: GPL-2.0 */
#ifndef UNIT_LINUX_MM_H
#define UNIT_LINUX_MM_H

/* Some programs are compiled for pages of another size as well. */
#ifndef PAGE_SHIFT
#define PAGE_SHIFT	12
#endif
#define PAGE_SIZE	(1UL << PAGE_SHIFT)
#define PMD_SIZE	(PAGE_SIZE / 8 * PAGE_SIZE)

#endif
