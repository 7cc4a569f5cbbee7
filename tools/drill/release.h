/* SPDX-License-Identifier: GPL-2.0 */
/* Pages that drills have left in quarantine, until the kernel has no mark of them any more. */
#ifndef RELEASE_H
#define RELEASE_H

#include "repair/scene.h"

bool release_mark(const struct scene *scene, uint64_t place);
bool release_pages(const struct scene *scene);

#endif
