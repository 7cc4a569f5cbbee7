/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One of the differences between the supported kernels; the others are in compat.h.
 *
 * This folder is searched after the kernel's own headers, so a kernel that has <linux/pfn_t.h>
 * never uses this one.  In kernels without it, dax_direct_access() and its callbacks fill in a
 * bare page frame number.
 */
#ifndef DAX_HOLDER_COMPAT_PFN_T_H
#define DAX_HOLDER_COMPAT_PFN_T_H

#define pfn_t			unsigned long
#define pfn_t_to_pfn(pfn)	(pfn)

#endif
