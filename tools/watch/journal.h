/* SPDX-License-Identifier: GPL-2.0 */
/* Alerts in systemd's journal. No other file uses libsystemd's journal. */
#ifndef JOURNAL_H
#define JOURNAL_H

#include "watch/alert.h"

/* An alert that the journal has. */
struct journal_entry {
	uint64_t seq, time_ns, part;
};

bool journal_send(const struct alert *alert);
bool journal_last(const char *boot, const struct identity *child, struct journal_entry *entry);

#endif
