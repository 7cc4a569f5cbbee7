/* SPDX-License-Identifier: GPL-2.0 */
/* Whether a drill may be held. */
#ifndef READY_H
#define READY_H

#include "repair/scene.h"

void ready_process(void);
void ready_scene(const struct scene *scene);

#endif
