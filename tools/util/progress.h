/* SPDX-License-Identifier: GPL-2.0 */
/* A progress line for a step that takes long. It is printed on a terminal only. */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdbool.h>

bool progress_on_terminal(void);
void progress(const char *format, ...) __attribute__((format(printf, 1, 2)));
void progress_wait(const char *what);
void progress_end(void);

#endif
