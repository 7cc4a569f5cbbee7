/* SPDX-License-Identifier: GPL-2.0 */
/* The ioctls of the daxbench module, which tests/bench uses. */
#ifndef DAXBENCH_H
#define DAXBENCH_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Pages @first, @first + @step and so on of a block device, @count of them. */
struct daxbench_pages {
	__s32 fd;
	__u32 count;
	__u64 first;
	__u64 step;
	__u64 samples;	/* __u32[count]: cost of each */
	__u64 list;	/* __u64[count]: pages in place of those, or NULL */
};

#define DAXBENCH_ACCESS		_IOW('D', 1, struct daxbench_pages)
#define DAXBENCH_FAIL		_IOW('D', 2, struct daxbench_pages)
#define DAXBENCH_HOLD		_IOW('D', 3, __s32)
#define DAXBENCH_MASK		_IO('D', 4)
/* One address for @step pages from @first on, without a page frame number, @count times. */
#define DAXBENCH_ADDRESS	_IOW('D', 5, struct daxbench_pages)
/* The whole device, @count is 1. */
#define DAXBENCH_GONE		_IOW('D', 6, struct daxbench_pages)

#endif
