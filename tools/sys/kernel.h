/* SPDX-License-Identifier: GPL-2.0 */
/* The running kernel: its version, and this boot of it. */
#ifndef KERNEL_H
#define KERNEL_H

#include <stdbool.h>

bool kernel_since(unsigned int major, unsigned int minor);
char *kernel_boot(void);

#endif
