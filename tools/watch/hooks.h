/* SPDX-License-Identifier: GPL-2.0 */
/* Programs of the administrator's that are run when there are alerts. */
#ifndef HOOKS_H
#define HOOKS_H

#include "watch/summary.h"

pid_t hooks_start(const struct summary *summary);

#endif
