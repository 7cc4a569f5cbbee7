/* SPDX-License-Identifier: GPL-2.0 */
/* Why the kernel refuses a table: it says so in its log and nowhere else. */
#ifndef KMSG_H
#define KMSG_H

int kmsg_mark(void);
void kmsg_tell(int mark);

#endif
