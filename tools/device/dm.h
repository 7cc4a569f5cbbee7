/* SPDX-License-Identifier: GPL-2.0 */
/* Mapped devices. No other file uses libdevmapper. */
#ifndef DM_H
#define DM_H

#include <stdbool.h>
#include <sys/types.h>

#include "device/table.h"

/* The prefix of the UUID of a device that daxlinear made; a random part follows. */
#define UUID_PREFIX	"DAXLINEAR-"

struct mapped {
	char *name;
	char *uuid;
	dev_t dev;
	bool live;		/* has a live table */
	bool inactive;		/* has a table that is loaded and not live */
	bool suspended;
	bool read_only;
	int open_count;
};

void dm_begin(void);
const char *dm_last_error(void);

bool dm_find(const char *name, struct mapped *mapped);
bool dm_find_uuid(const char *uuid, struct mapped *mapped);
bool dm_find_volume(const char *name, struct mapped *mapped);
bool dm_find_number(dev_t dev, struct mapped *mapped);
struct mapped dm_device(const char *name);
size_t dm_names(char ***names);
bool dm_table(const char *name, struct table *table);
bool dm_table_number(dev_t dev, bool loaded, struct table *table);
size_t dm_children(dev_t dev, dev_t **children);
bool dm_is_lvms(const struct mapped *mapped);
char *dm_volume_name(const struct mapped *mapped);
void dm_release(void);
bool dm_status(const char *name, struct table *status);
bool dm_knows_target(const char *type);

int dm_create(const char *name, const char *uuid, const struct table *table);
int dm_create_bare(const char *name, const char *uuid);
int dm_load(const struct mapped *mapped, const struct table *table);
int dm_resume(const char *name);
int dm_rename(const char *name, const char *to);
int dm_clear(const char *name);
int dm_clear_number(dev_t dev);
int dm_swap(const struct mapped *mapped, const struct table *table);
int dm_remove(const struct mapped *mapped);

#endif
