/* SPDX-License-Identifier: GPL-2.0 */
/* What a repair that was killed has left undone. */
#ifndef SETTLE_H
#define SETTLE_H

#include "repair/scene.h"

void settle(const struct scene *scene);

#endif
