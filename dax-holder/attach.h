/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Attached parents: attach.c keeps them, sysfs.c shows them and takes orders.
 */
#ifndef DAX_HOLDER_ATTACH_H
#define DAX_HOLDER_ATTACH_H

#include "holder.h"

static inline struct attachment *to_attachment(struct kobject *kobj)
{
	return container_of(kobj, struct attachment, kobj);
}

extern const struct attribute_group *attachment_groups[];

int attachment_make(dev_t parent, dev_t child);
int attachment_remove(dev_t parent, dev_t child);
u64 attachment_mapped_bytes(struct attachment *attachment);
bool attachment_dead(struct attachment *attachment);
int attachments_init(void);
void attachments_exit(void);
void attachments_free(void);

/* A child's directory; the caller holds attach_mutex. */
int dir_get(struct slot *slot);
void dir_put(struct slot *slot);
int class_init(void);
void class_exit(void);

#endif
