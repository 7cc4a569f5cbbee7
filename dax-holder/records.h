/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAX_HOLDER_RECORDS_H
#define DAX_HOLDER_RECORDS_H

#include "device.h"

int dxh_record_hold(struct dxh_device *child);
void dxh_records_exit(void);

#endif
