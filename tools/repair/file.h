/* SPDX-License-Identifier: GPL-2.0 */
/* Repair of the bad blocks of a file. */
#ifndef FILE_H
#define FILE_H

#include "repair/job.h"

int file_repair(struct scene *scene, const struct file_options *options);

#endif
