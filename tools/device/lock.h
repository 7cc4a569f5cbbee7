/* SPDX-License-Identifier: GPL-2.0 */
/* Changes to devices are made one after the other, and by a whole. */
#ifndef LOCK_H
#define LOCK_H

void lock_changes(void);
void hold_signals(void);
void let_signals(void);

#endif
