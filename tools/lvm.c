// SPDX-License-Identifier: GPL-2.0
#include <libdevmapper.h>
#include <string.h>

#include "alloc.h"
#include "lvm.h"

#define LVM_UUID	"LVM-"

/* VG/LV, by the rules by which LVM makes a mapped device's name of it; NULL for a layer. */
static char *volume_name(const char *mapped)
{
	struct dm_pool *pool = dm_pool_create("name", 1024);
	char *vg, *lv, *layer, *name = NULL;

	if (pool && dm_split_lvm_name(pool, mapped, &vg, &lv, &layer) && *lv && !*layer)
		name = format_text("%s/%s", vg, lv);
	if (pool)
		dm_pool_destroy(pool);
	return name;
}

static bool is_volume(struct volume *volume)
{
	volume->name = NULL;
	if (!strncmp(volume->mapped.uuid, LVM_UUID, strlen(LVM_UUID)))
		volume->name = volume_name(volume->mapped.name);
	if (volume->name)
		return true;
	free(volume->mapped.name);
	free(volume->mapped.uuid);
	return false;
}

/* Look a volume up by its number; false if that is none. */
bool volume_find(struct volume *volume, dev_t dev)
{
	return dm_find_number(dev, &volume->mapped) && is_volume(volume);
}

/* All that are active. */
size_t volumes_read(struct volume **volumes)
{
	size_t nr_names, nr = 0, i;
	char **names;

	*volumes = NULL;
	nr_names = dm_names(&names);
	for (i = 0; i < nr_names; i++) {
		struct volume volume;

		if (dm_find(names[i], &volume.mapped) && is_volume(&volume)) {
			*volumes = grow(*volumes, nr, sizeof(volume));
			(*volumes)[nr++] = volume;
		}
		free(names[i]);
	}
	free(names);
	return nr;
}
