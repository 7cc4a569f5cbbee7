/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAX_HOLDER_ORDERS_H
#define DAX_HOLDER_ORDERS_H

int dxh_orders_init(void);
void dxh_orders_exit(void);

#endif
