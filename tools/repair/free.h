/* SPDX-License-Identifier: GPL-2.0 */
/* Bad blocks of free space. */
#ifndef FREE_H
#define FREE_H

#include "repair/scene.h"

int free_repair(struct scene *scene);

#endif
