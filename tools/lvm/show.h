/* SPDX-License-Identifier: GPL-2.0 */
/* The results of daxlinear lvm status and check. They return the exit code. */
#ifndef LVM_SHOW_H
#define LVM_SHOW_H

#include <stdbool.h>
#include <sys/types.h>

char *attached_text(dev_t dev);
int lvm_status(bool json);
int lvm_check(const char *vg, bool json);

#endif
