/* SPDX-License-Identifier: GPL-2.0 */
/* Configuration files: lines of KEY = WORD..., and comments after #. */
#ifndef CONF_H
#define CONF_H

#include <stdbool.h>
#include <stddef.h>

void conf_read(const char *path, const char *expected,
	       bool (*take)(void *data, const char *key, char **words, size_t nr), void *data);

#endif
