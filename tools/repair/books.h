/* SPDX-License-Identifier: GPL-2.0 */
/* The records of failures, after a repair: the kernel's, and the history. */
#ifndef BOOKS_H
#define BOOKS_H

#include "repair/media.h"

void books_repaired(const struct media_range *range);
void books_quarantined(const struct media_range *range);
void books_close(void);

#endif
