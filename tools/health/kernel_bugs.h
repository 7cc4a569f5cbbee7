/* SPDX-License-Identifier: GPL-2.0 */
/* Kernel bugs that messages warn of; see Documentation/kernels.rst. */
#ifndef KERNEL_BUGS_H
#define KERNEL_BUGS_H

/* All tested kernels have it. */
#define KERNEL_REFLINK_CRASH \
	"XFS has reflink: any user that can write to a file can crash the kernel, by a clone that is mapped in huge pages and in single ones at once (seen on Linux 6.1, 6.12, 7.2 and 7.3); make the filesystem anew by daxlinear mkfs"

#endif
