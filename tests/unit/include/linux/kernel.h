/* SPDX-License-Identifier: GPL-2.0 */
#ifndef UNIT_LINUX_KERNEL_H
#define UNIT_LINUX_KERNEL_H

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define scnprintf	snprintf
#define vscnprintf	vsnprintf
#define __printf(a, b)	__attribute__((format(printf, a, b)))

/* As strict as the kernel's: one optional plus, digits, one optional newline. */
static inline int kstrtoull(const char *s, unsigned int base, unsigned long long *value)
{
	unsigned long long result;
	char *end;

	if (*s == '+')
		s++;
	if (!isdigit((unsigned char)*s))
		return -EINVAL;
	errno = 0;
	result = strtoull(s, &end, base);
	if (errno)
		return -ERANGE;
	if (*end == '\n')
		end++;
	if (*end)
		return -EINVAL;
	*value = result;
	return 0;
}

static inline int kstrtouint(const char *s, unsigned int base, unsigned int *value)
{
	unsigned long long result;
	int err = kstrtoull(s, base, &result);

	if (err)
		return err;
	if (result > UINT_MAX)
		return -ERANGE;
	*value = result;
	return 0;
}

#endif
