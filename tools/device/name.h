/* SPDX-License-Identifier: GPL-2.0 */
/* Names of mapped devices. */
#ifndef NAME_H
#define NAME_H

const char *name_check(const char *name);

#endif
