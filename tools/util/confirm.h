/* SPDX-License-Identifier: GPL-2.0 */
/* Questions that are asked on the terminal. */
#ifndef CONFIRM_H
#define CONFIRM_H

#include <stdbool.h>

bool confirm(bool yes, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
