/* SPDX-License-Identifier: GPL-2.0 */
#ifndef UNIT_LINUX_LOG2_H
#define UNIT_LINUX_LOG2_H

#define rounddown_pow_of_two(n)	(1UL << (63 - __builtin_clzll(n)))

#endif
