/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAX_HOLDER_ATTACH_H
#define DAX_HOLDER_ATTACH_H

#include <linux/types.h>

int dxh_attach(dev_t parent, dev_t child);
int dxh_detach(dev_t parent, dev_t child);
void dxh_detach_all(void);

#endif
