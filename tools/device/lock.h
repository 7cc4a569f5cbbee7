/* SPDX-License-Identifier: GPL-2.0 */
/* Changes of devices are serialized, and no signal interrupts one. */
#ifndef LOCK_H
#define LOCK_H

void lock_changes(void);
void hold_signals(void);
void let_signals(void);

#endif
