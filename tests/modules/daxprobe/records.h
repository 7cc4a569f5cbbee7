/* SPDX-License-Identifier: GPL-2.0 */
/* The records of injections and calls: the file calls. */
#ifndef DAXPROBE_RECORDS_H
#define DAXPROBE_RECORDS_H

#include <linux/types.h>

struct dentry;

struct record {
	u64 seq;
	u64 off;
	u64 len;
	dev_t dev;
	pid_t pid;
	int flags;
	int rc;
	bool is_call;
};

void record(const struct record *new);
void records_reset(void);
void records_init(struct dentry *dir);
void records_exit(void);

#endif
