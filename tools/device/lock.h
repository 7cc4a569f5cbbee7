/* SPDX-License-Identifier: GPL-2.0 */
/* Changes of devices are serialized, and no signal interrupts one. */
#ifndef LOCK_H
#define LOCK_H

#include <stdbool.h>

void lock_changes(void);
bool lock_changes_at_once(void);
void unlock_changes(void);
void hold_signals(void);
void let_signals(void);

#endif
