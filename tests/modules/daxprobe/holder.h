/* SPDX-License-Identifier: GPL-2.0 */
/* What a device is told that is held, and injections, which tell somebody. */
#ifndef DAXPROBE_HOLDER_H
#define DAXPROBE_HOLDER_H

#include <linux/dax.h>

extern const struct dax_holder_operations probe_ops;

#endif
