// SPDX-License-Identifier: GPL-2.0
#define pr_fmt(fmt) "device-mapper: daxlinear: " fmt

#include "daxlinear.h"

/*
 * Refuse a table: set the reason for device-mapper, which logs it with the device's name, and
 * log the values.  Returns @err.
 */
int daxlinear_refuse(struct dm_target *ti, int err, char *error, const char *fmt, ...)
{
	struct va_format text = { .fmt = fmt };
	va_list args;

	va_start(args, fmt);
	text.va = &args;
	pr_err("%pV\n", &text);
	va_end(args);
	ti->error = error;
	return err;
}
