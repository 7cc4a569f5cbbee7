/* SPDX-License-Identifier: GPL-2.0 */
/* The device of a set. */
#ifndef SET_DEVICE_H
#define SET_DEVICE_H

#include "member/set.h"

int set_assemble(const struct set *set);

#endif
