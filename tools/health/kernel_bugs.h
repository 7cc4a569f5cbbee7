/* SPDX-License-Identifier: GPL-2.0 */
/* What is wrong with kernels that an administrator has to know; see Documentation/kernels.rst. */
#ifndef KERNEL_BUGS_H
#define KERNEL_BUGS_H

/* No kernel is known that has it not. */
#define KERNEL_REFLINK_CRASH \
	"XFS has reflink: whoever may write to a file can crash the kernel, by a clone that is mapped in pages of 2 MiB and of 4 KiB at once (seen on Linux 6.1, 6.12 and 7.2); make the filesystem anew by daxlinear mkfs"

#endif
