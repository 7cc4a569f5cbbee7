/* SPDX-License-Identifier: GPL-2.0 */
/* What is bad, and what repair can do about each. */
#ifndef LIST_H
#define LIST_H

#include "repair/scene.h"

bool list_print(struct scene *scene);

#endif
