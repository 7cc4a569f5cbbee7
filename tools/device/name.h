/* SPDX-License-Identifier: GPL-2.0 */
/* Names of mapped devices, and of systemd's units for paths. */
#ifndef NAME_H
#define NAME_H

const char *name_check(const char *name);

#endif
