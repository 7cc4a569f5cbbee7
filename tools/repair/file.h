/* SPDX-License-Identifier: GPL-2.0 */
/* Repair of the bad blocks of a file. */
#ifndef FILE_H
#define FILE_H

#include "repair/scene.h"

struct file_options {
	const char *path;
	const char *backup;	/* NULL to fill with zeros */
	bool force;		/* though other parts differ */
};

int file_repair(struct scene *scene, const struct file_options *options);

#endif
