// SPDX-License-Identifier: GPL-2.0
#include <blkid/blkid.h>

#include "util/alloc.h"
#include "sys/blkid.h"

static char *describe(blkid_probe probe)
{
	const char *type;

	if (!blkid_probe_lookup_value(probe, "PTTYPE", &type, NULL))
		return format_text("a partition table (%s)", type);
	if (!blkid_probe_lookup_value(probe, "TYPE", &type, NULL))
		return format_text("%s", type);
	return copy_text("something that blkid knows");
}

/**
 * signature_find - look for a filesystem, a partition table, an LVM label or the like
 * @fd: The device.
 * @offset_bytes: Where to look: as though the device started there,
 * @len_bytes: and had this length.
 *
 * Return: What is there, NULL if nothing is that libblkid knows.
 */
char *signature_find(int fd, uint64_t offset_bytes, uint64_t len_bytes)
{
	blkid_probe probe = blkid_new_probe();
	char *found = NULL;

	if (!probe || blkid_probe_set_device(probe, fd, offset_bytes, len_bytes))
		goto out;
	blkid_probe_enable_superblocks(probe, 1);
	blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_TYPE);
	blkid_probe_enable_partitions(probe, 1);
	/* 0: found something; 1: nothing; an error or two things at once: not nothing. */
	switch (blkid_do_fullprobe(probe)) {
	case 0:
		found = describe(probe);
		break;
	case 1:
		break;
	default:
		found = copy_text("something that can't be made out");
	}
out:
	blkid_free_probe(probe);
	return found;
}

/* The UUID that a partition table has for a partition, NULL if it has none. */
char *partition_uuid(const char *path)
{
	blkid_probe probe = blkid_new_probe_from_filename(path);
	const char *uuid;
	char *found = NULL;

	if (!probe)
		return NULL;
	blkid_probe_enable_partitions(probe, 1);
	blkid_probe_set_partitions_flags(probe, BLKID_PARTS_ENTRY_DETAILS);
	if (!blkid_do_safeprobe(probe) &&
	    !blkid_probe_lookup_value(probe, "PART_ENTRY_UUID", &uuid, NULL))
		found = copy_text(uuid);
	blkid_free_probe(probe);
	return found;
}
