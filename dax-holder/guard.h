/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAX_HOLDER_GUARD_H
#define DAX_HOLDER_GUARD_H

#include <linux/types.h>

struct dax_holder_claim;
struct dxh_device;

bool dxh_stacked_on(struct dxh_device *device, const struct dxh_device *below);
int dxh_guard_loop(const struct dax_holder_claim *claim);
int dxh_guard_move(const struct dax_holder_claim *claim);

#endif
