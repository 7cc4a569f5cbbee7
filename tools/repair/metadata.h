/* SPDX-License-Identifier: GPL-2.0 */
/* Bad blocks of the metadata of an XFS that is not mounted. */
#ifndef METADATA_H
#define METADATA_H

#include "repair/scene.h"

int metadata_repair(struct scene *scene, bool yes);

#endif
