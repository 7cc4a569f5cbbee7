/* SPDX-License-Identifier: GPL-2.0 */
/* A file that is replaced as a whole: readers see the old one or the new one. */
#ifndef REPLACE_H
#define REPLACE_H

#include <stdio.h>

FILE *replace_begin(const char *path);
void replace_end(FILE *file);

#endif
