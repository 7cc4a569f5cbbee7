/* SPDX-License-Identifier: GPL-2.0 */
/* Mapped devices that dax_holder notifies of failures, though no target of theirs is ours. */
#ifndef ATTACH_H
#define ATTACH_H

#include "device/counters.h"
#include <sys/types.h>

/* A disk that a device is attached to. */
struct attached {
	char *child;			/* the kernel's name */
	dev_t dev;			/* 0 if it has gone */
	bool alive;
	struct counters counters;	/* as far as an attached device has them */
};

bool attach_ready(void);
void attach_begin(void);
bool attach_floor(dev_t dev, const char *name);
bool attach(dev_t dev, const char *name);
bool detach(dev_t dev, const char *name);
void detach_dead(void);
bool is_attached(dev_t dev);
bool is_attached_to_all(dev_t dev);
bool is_notified(dev_t dev);
size_t attached_read(dev_t dev, struct attached **attached);
void attached_free(struct attached *attached, size_t nr);

#endif
