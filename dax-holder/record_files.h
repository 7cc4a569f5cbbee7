/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAX_HOLDER_RECORD_FILES_H
#define DAX_HOLDER_RECORD_FILES_H

struct attribute_group;

extern const struct attribute_group *dxh_record_groups[];

#endif
