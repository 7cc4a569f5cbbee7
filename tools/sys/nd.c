// SPDX-License-Identifier: GPL-2.0
#include <ndctl/libndctl.h>
#include <stdio.h>
#include <string.h>
#include <uuid/uuid.h>

#include "util/alloc.h"
#include "sys/nd.h"

static const char *mode_name(struct ndctl_namespace *namespace)
{
	switch (ndctl_namespace_get_mode(namespace)) {
	case NDCTL_NS_MODE_FSDAX:
		return "fsdax";
	case NDCTL_NS_MODE_SECTOR:
		return "sector";
	case NDCTL_NS_MODE_DEVDAX:
		return "devdax";
	default:
		return "raw";
	}
}

static const char *disk_of(struct ndctl_namespace *namespace)
{
	struct ndctl_pfn *pfn = ndctl_namespace_get_pfn(namespace);
	struct ndctl_btt *btt = ndctl_namespace_get_btt(namespace);
	const char *name;

	if (pfn)
		name = ndctl_pfn_get_block_device(pfn);
	else if (btt)
		name = ndctl_btt_get_block_device(btt);
	else
		name = ndctl_namespace_get_block_device(namespace);
	return name ? name : "";
}

static void fill_in(struct pmem *pmem, struct ndctl_bus *bus, struct ndctl_namespace *namespace)
{
	struct ndctl_pfn *pfn = ndctl_namespace_get_pfn(namespace);
	uuid_t uuid;

	snprintf(pmem->disk, sizeof(pmem->disk), "%s", disk_of(namespace));
	snprintf(pmem->namespace, sizeof(pmem->namespace), "%s",
		 ndctl_namespace_get_devname(namespace));
	/* A namespace without labels has only the UUID of its fsdax superblock. */
	uuid_clear(uuid);
	ndctl_namespace_get_uuid(namespace, uuid);
	if (uuid_is_null(uuid) && pfn)
		ndctl_pfn_get_uuid(pfn, uuid);
	pmem->uuid[0] = '\0';
	if (!uuid_is_null(uuid))
		uuid_unparse_lower(uuid, pmem->uuid);
	pmem->mode = mode_name(namespace);
	/* sysfs does not say whether a region needs a flush by its host; its provider does. */
	pmem->synchronous = strcmp(ndctl_bus_get_provider(bus), "virtio-pmem");
	pmem->phys_bytes = pfn ? ndctl_pfn_get_resource(pfn) : UINT64_MAX;
}

/* Whether the kernel gives the disk of a namespace this name: pmem1 to namespace1.0. */
static bool is_named(const struct pmem *pmem, const char *disk)
{
	unsigned int region, number;
	char name[32];

	if (sscanf(pmem->namespace, "namespace%u.%u", &region, &number) != 2)
		return false;
	if (number)
		snprintf(name, sizeof(name), "pmem%u.%u", region, number);
	else
		snprintf(name, sizeof(name), "pmem%u", region);
	return !strcmp(disk, name);
}

/* Whether a namespace has this disk; if it has none, whether it would have it. */
static bool has_disk(const struct pmem *pmem, const char *disk)
{
	return pmem->disk[0] ? !strcmp(disk, pmem->disk) : is_named(pmem, disk);
}

/* What libndctl has read. It reads once, so it has to be forgotten when there may be news. */
static struct ndctl_ctx *context;

void nd_forget(void)
{
	if (context)
		ndctl_unref(context);
	context = NULL;
}

/* Find the namespace with this disk, or with this UUID if one is given. */
static bool find(const char *disk, const char *uuid, struct pmem *pmem)
{
	struct ndctl_namespace *namespace;
	struct ndctl_region *region;
	struct ndctl_bus *bus;

	if (!context && ndctl_new(&context))
		return false;
	ndctl_bus_foreach(context, bus)
		ndctl_region_foreach(bus, region)
			ndctl_namespace_foreach(region, namespace) {
				fill_in(pmem, bus, namespace);
				if ((!disk || has_disk(pmem, disk)) &&
				    (!uuid || !strcasecmp(uuid, pmem->uuid)))
					return true;
			}
	return false;
}

/* Find a disk by the kernel's name, also one that is gone; false if it is no persistent memory. */
bool nd_find(const char *disk, struct pmem *pmem)
{
	return find(disk, NULL, pmem);
}

/* The disk of the namespace with this UUID, by the kernel's name; NULL if there is none. */
char *nd_find_uuid(const char *uuid)
{
	struct pmem pmem;

	return find(NULL, uuid, &pmem) && pmem.disk[0] ? copy_text(pmem.disk) : NULL;
}
