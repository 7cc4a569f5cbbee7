/* SPDX-License-Identifier: GPL-2.0 */
/* Names of files as text. */
#ifndef PRINTABLE_H
#define PRINTABLE_H

char *printable(const char *name);

#endif
