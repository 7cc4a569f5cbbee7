// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <libfdisk/libfdisk.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "member/label.h"
#include "sys/blkid.h"
#include "sys/ends.h"
#include "util/alloc.h"

/* The attributes of the partition. */
#define NEXT_SHIFT	48
#define FLAG_VOID	(1ULL << 62)
#define FLAG_LAST	(1ULL << 63)
#define FLAGS_UNKNOWN	((1ULL << NEXT_SHIFT) - 1)

/* Where a GUID has its version, the variant, and the numbers of a member, all in hexadecimal. */
#define AT_VERSION	14
#define AT_NUMBERS	28

/* The entries of a table, and where an entry has its fields. */
#define ENTRIES_BYTES	(128 * 128)
#define ENTRY_BYTES	128
#define ENTRY_UUID	16
#define ENTRY_FLAGS	48
#define ENTRY_NAME	56

#define HEADER_MAGIC	"EFI PART"
/* The page that a release erases at once. */
#define FIRST_BYTES	4096

/* Write zeroes.  Return whether that worked. */
static bool zero(int fd, off_t at, size_t len)
{
	char *zeroes = calloc(1, len);
	bool done = zeroes && pwrite(fd, zeroes, len, at) == (ssize_t)len;

	free(zeroes);
	return done;
}

static const char * const types[] = {
	[LABEL_MEMBER] = LABEL_TYPE,
	[LABEL_INCOMING] = LABEL_TYPE_INCOMING,
	[LABEL_REPLACED] = LABEL_TYPE_REPLACED,
};

/* Make the UUID of a set: of version 8, and the place of a member's numbers is zero. */
void set_uuid_new(char *uuid)
{
	unsigned char random[12];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		abort();
	random[6] = 0x80 | (random[6] & 0x0f);
	random[8] = 0x80 | (random[8] & 0x3f);
	snprintf(uuid, UUID_LEN + 1,
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x00000000",
		 random[0], random[1], random[2], random[3], random[4], random[5], random[6],
		 random[7], random[8], random[9], random[10], random[11]);
}

/* Whether a text is a UUID of version 8 in lower case. */
static bool is_uuid(const char *text)
{
	size_t i;

	for (i = 0; i < UUID_LEN; i++) {
		bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (!text[i] || !strchr(is_dash ? "-" : "0123456789abcdef", text[i]))
			return false;
	}
	return !text[i] && text[AT_VERSION] == '8' && strchr("89ab", text[19]);
}

/* Whether a text is the UUID of a set. */
bool set_uuid_is(const char *uuid)
{
	return is_uuid(uuid) && !strcmp(uuid + AT_NUMBERS, "00000000");
}

/* Read what a partition's GUID and attributes have.  Return whether the layout allows them. */
static bool decode(struct label *label, const char *uuid, uint64_t flags)
{
	if (!is_uuid(uuid) || sscanf(uuid + AT_NUMBERS, "%4x%4x", &label->joined,
				     &label->number) != 2 || !label->number)
		return false;
	snprintf(label->set, sizeof(label->set), "%.*s00000000", AT_NUMBERS, uuid);
	label->next = flags >> NEXT_SHIFT & LABEL_GENERATION_MAX;
	label->is_void = flags & FLAG_VOID;
	label->is_last = flags & FLAG_LAST;
	return !(flags & FLAGS_UNKNOWN);
}

/* What a label is by the type of its partition; LABEL_NONE if that is none of ours. */
static enum label_kind kind_of_type(const char *type)
{
	size_t kind;

	for (kind = LABEL_MEMBER; kind <= LABEL_REPLACED; kind++)
		if (!strcmp(type, types[kind]))
			return kind;
	return LABEL_NONE;
}

static uint64_t read_flags(const unsigned char *entry)
{
	uint64_t flags = 0;
	int i;

	for (i = 7; i >= 0; i--)
		flags = flags << 8 | entry[ENTRY_FLAGS + i];
	return flags;
}

/* Write a GUID as text.  Its first three numbers have their lowest byte first. */
static void guid_text(const unsigned char *guid, char *text)
{
	snprintf(text, UUID_LEN + 1,
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		 guid[3], guid[2], guid[1], guid[0], guid[5], guid[4], guid[7], guid[6], guid[8],
		 guid[9], guid[10], guid[11], guid[12], guid[13], guid[14], guid[15]);
}

/* A letter of a name as a message may have it: what is read may be anything. */
static char letter(unsigned char byte)
{
	return !byte || (isascii(byte) && isgraph(byte)) ? byte : '?';
}

/* Read an entry whose checksum is not right.  It serves to name what is damaged. */
static bool salvage(struct label *label, int fd, off_t at)
{
	unsigned char entry[ENTRY_BYTES];
	char text[UUID_LEN + 1];
	size_t i;

	if (at < 0 || pread(fd, entry, sizeof(entry), at) != sizeof(entry))
		return false;
	guid_text(entry, text);
	label->kind = kind_of_type(text);
	if (label->kind == LABEL_NONE)
		return false;
	guid_text(entry + ENTRY_UUID, text);
	if (!decode(label, text, read_flags(entry)))
		return false;
	for (i = 0; i < LABEL_NAME_MAX; i++)
		label->name[i] = letter(entry[ENTRY_NAME + 2 * i]);
	return true;
}

/* Whether the start of a header is there. */
static bool has_header(int fd, off_t at)
{
	char magic[sizeof(HEADER_MAGIC) - 1];

	return at > 0 && pread(fd, magic, sizeof(magic), at) == sizeof(magic) &&
	       !memcmp(magic, HEADER_MAGIC, sizeof(magic));
}

/* Look at a disk without a sound table: there may be a damaged one. */
static void read_damaged(struct label *label, int fd, unsigned int sector_bytes)
{
	off_t end = lseek(fd, 0, SEEK_END);

	if (salvage(label, fd, 2 * sector_bytes) ||
	    salvage(label, fd, end - sector_bytes - ENTRIES_BYTES)) {
		/* Of a write that was cut short, when there was no data yet. */
		if (label->is_void || label->kind == LABEL_INCOMING)
			*label = (struct label){ 0 };
		else
			label->kind = LABEL_DAMAGED;
	} else {
		label->kind = has_header(fd, sector_bytes) && has_header(fd, end - sector_bytes) ?
			      LABEL_DAMAGED : LABEL_NONE;
	}
}

/* Read a label of an image of the ends of a disk, of which the first page may be unreadable. */
static void read_image(struct label *label, int image, unsigned int sector_bytes, bool is_bad)
{
	struct gpt gpt, second;
	enum label_kind kind;
	bool sound;
	size_t i;

	if (!gpt_read(image, sector_bytes, is_bad, &gpt)) {
		read_damaged(label, image, sector_bytes);
		return;
	}
	kind = gpt.nr ? kind_of_type(gpt.type) : LABEL_NONE;
	if (kind == LABEL_NONE)
		return;
	label->is_backup = gpt.is_backup;
	/* Without the first copy, the second would serve. */
	if (!gpt.is_backup)
		label->has_no_backup = !zero(image, sector_bytes, sector_bytes) ||
				       !gpt_read(image, sector_bytes, false, &second);
	sound = decode(label, gpt.uuid, gpt.flags) && gpt.nr == 1 &&
		gpt.len_bytes > LABEL_GAP_BYTES && strlen(gpt.name) <= LABEL_NAME_MAX;
	label->kind = sound ? kind : LABEL_FOREIGN;
	for (i = 0; i < LABEL_NAME_MAX && gpt.name[i]; i++)
		label->name[i] = letter(gpt.name[i]);
	if (!sound)
		return;
	label->offset_bytes = gpt.start_bytes + LABEL_GAP_BYTES;
	label->len_bytes = gpt.len_bytes - LABEL_GAP_BYTES;
}

/**
 * label_read - read the label of a disk
 * @label: Set to what is there.
 * @fd: The disk, or a file with its content.
 * @sector_bytes: The size of its logical sectors.
 */
void label_read(struct label *label, int fd, unsigned int sector_bytes)
{
	bool is_bad = false;
	int image = ends_copy(fd, &is_bad);

	*label = (struct label){ 0 };
	if (image < 0)
		return;
	read_image(label, image, sector_bytes, is_bad);
	close(image);
}

/* Return which copy of a label is damaged, as a part of a sentence, or NULL if none is. */
const char *label_damage(const struct label *label)
{
	if (label->is_backup)
		return "the first copy of its partition table (GPT) is damaged";
	return label->has_no_backup ? "the second copy of its partition table (GPT) is damaged" :
				      NULL;
}

static struct fdisk_partition *new_partition(struct fdisk_context *context,
					     const struct label *label)
{
	struct fdisk_partition *partition = fdisk_new_partition();
	unsigned long sector = fdisk_get_sector_size(context);
	struct fdisk_parttype *type;
	char *uuid;

	type = fdisk_label_parse_parttype(fdisk_get_label(context, "gpt"), types[label->kind]);
	uuid = format_text("%.*s%04x%04x", AT_NUMBERS, label->set, label->joined, label->number);
	fdisk_partition_set_partno(partition, 0);
	fdisk_partition_set_start(partition, (label->offset_bytes - LABEL_GAP_BYTES) / sector);
	fdisk_partition_set_size(partition, (label->len_bytes + LABEL_GAP_BYTES) / sector);
	fdisk_partition_set_type(partition, type);
	fdisk_partition_set_name(partition, label->name);
	fdisk_partition_set_uuid(partition, uuid);
	fdisk_unref_parttype(type);
	free(uuid);
	return partition;
}

static int write_table(struct fdisk_context *context, const struct label *label, int fd)
{
	struct fdisk_partition *partition = NULL;
	uint64_t flags = (uint64_t)label->next << NEXT_SHIFT;
	int err;

	if (label->is_void)
		flags |= FLAG_VOID;
	if (label->is_last)
		flags |= FLAG_LAST;
	fdisk_disable_dialogs(context, 1);
	err = fdisk_assign_device_by_fd(context, fd, "the disk", 0) ?:
	      fdisk_create_disklabel(context, "gpt");
	if (!err) {
		partition = new_partition(context, label);
		err = fdisk_add_partition(context, partition, NULL);
		fdisk_unref_partition(partition);
	}
	return err ?: fdisk_gpt_set_partition_attrs(context, 0, flags) ?:
	       fdisk_write_disklabel(context);
}

/**
 * label_write - write the label of a disk, in place of what partition table there is
 * @label: The label.
 * @fd: The disk, open for writing with O_DSYNC: the writes have to be durable in their order.
 * @sector_bytes: The size of its logical sectors.
 *
 * Return: Whether that worked; errno is set if not.
 */
bool label_write(const struct label *label, int fd, unsigned int sector_bytes)
{
	struct fdisk_context *context = fdisk_new_context();
	int err;

	if (!context) {
		errno = ENOMEM;
		return false;
	}
	fdisk_save_user_sector_size(context, sector_bytes, sector_bytes);
	err = ends_clear(fd) ? write_table(context, label, fd) : -errno;
	fdisk_unref_context(context);
	errno = err < 0 ? -err : err ? EIO : 0;
	return !err && !fdatasync(fd);
}

/*
 * Erase the label of a disk.  The label is whole until the first page is written, and gone from
 * then on.
 */
bool label_erase(int fd, unsigned int sector_bytes)
{
	off_t end = lseek(fd, 0, SEEK_END), back = ENTRIES_BYTES + sector_bytes;

	if (end < back) {
		errno = EINVAL;
		return false;
	}
	return ends_clear(fd) && zero(fd, end - back, back) &&
	       zero(fd, 0, FIRST_BYTES > 3 * sector_bytes ? FIRST_BYTES : 3 * sector_bytes) &&
	       !fdatasync(fd);
}
