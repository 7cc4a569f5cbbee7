/* SPDX-License-Identifier: GPL-2.0 */
/* Both ends of a disk, which may have bad pages. */
#ifndef ENDS_H
#define ENDS_H

#include <stdbool.h>

int ends_copy(int fd, bool *is_bad);
bool ends_clear(int fd);

#endif
