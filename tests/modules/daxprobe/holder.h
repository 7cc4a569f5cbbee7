/* SPDX-License-Identifier: GPL-2.0 */
/* The handler of held devices, and injections, which notify any holder. */
#ifndef DAXPROBE_HOLDER_H
#define DAXPROBE_HOLDER_H

#include <linux/dax.h>

extern const struct dax_holder_operations probe_ops;

#endif
