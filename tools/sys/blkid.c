// SPDX-License-Identifier: GPL-2.0
#include <blkid/blkid.h>
#include <stdio.h>
#include <string.h>

#include "util/alloc.h"
#include "util/size.h"
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

static void read_first(blkid_partlist list, struct gpt *gpt)
{
	blkid_partition first = blkid_partlist_get_partition(list, 0);
	const char *name = blkid_partition_get_name(first);

	snprintf(gpt->type, sizeof(gpt->type), "%s", blkid_partition_get_type_string(first) ?: "");
	snprintf(gpt->uuid, sizeof(gpt->uuid), "%s", blkid_partition_get_uuid(first) ?: "");
	snprintf(gpt->name, sizeof(gpt->name), "%s", name ?: "");
	gpt->flags = blkid_partition_get_flags(first);
	gpt->start_bytes = blkid_partition_get_start(first) * SECTOR;
	gpt->len_bytes = blkid_partition_get_size(first) * SECTOR;
}

/**
 * gpt_read - read the GUID partition table of a disk
 * @fd: The disk, or a file with its content.
 * @sector_bytes: The size of its logical sectors.
 * @without_mbr: Whether there need be no protective MBR in front of it.
 * @gpt: Set to what is there.
 *
 * Return: Whether there is one, of which a copy is sound.
 */
bool gpt_read(int fd, unsigned int sector_bytes, bool without_mbr, struct gpt *gpt)
{
	blkid_probe probe = blkid_new_probe();
	blkid_parttable table = NULL;
	blkid_partlist list = NULL;

	*gpt = (struct gpt){ 0 };
	if (probe && !blkid_probe_set_device(probe, fd, 0, 0) &&
	    !blkid_probe_set_sectorsize(probe, sector_bytes) &&
	    !blkid_probe_set_partitions_flags(probe, without_mbr ? BLKID_PARTS_FORCE_GPT : 0))
		list = blkid_probe_get_partitions(probe);
	if (list)
		table = blkid_partlist_get_table(list);
	if (!table || strcmp(blkid_parttable_get_type(table), "gpt")) {
		blkid_free_probe(probe);
		return false;
	}
	gpt->is_backup = blkid_parttable_get_offset(table) != sector_bytes;
	gpt->nr = blkid_partlist_numof_partitions(list);
	if (gpt->nr)
		read_first(list, gpt);
	blkid_free_probe(probe);
	return true;
}
