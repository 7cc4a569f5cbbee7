/* SPDX-License-Identifier: GPL-2.0 */
#ifndef UNIT_LINUX_MM_H
#define UNIT_LINUX_MM_H

#define PAGE_SHIFT	12
#define PAGE_SIZE	(1UL << PAGE_SHIFT)

#endif
