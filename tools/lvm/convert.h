/* SPDX-License-Identifier: GPL-2.0 */
/* Conversion of a volume's table to one line of daxlinear. */
#ifndef LVM_CONVERT_H
#define LVM_CONVERT_H

#include "lvm/volume.h"

bool is_converted(const struct volume *volume);
bool is_convertible(const struct volume *volume);
bool convert(const struct volume *volume);
bool convert_guarded(const struct volume *volume);
void convert_tidy(const struct volume *volume);

#endif
