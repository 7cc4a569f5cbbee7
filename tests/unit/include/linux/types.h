/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's names for what the pure files of the modules use. */
#ifndef UNIT_LINUX_TYPES_H
#define UNIT_LINUX_TYPES_H

#include_next <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint32_t u32;
typedef unsigned long long u64;
typedef u64 sector_t;
typedef unsigned long pgoff_t;

#endif
