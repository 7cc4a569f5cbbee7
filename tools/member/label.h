/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The label of a member, a GUID partition table with one partition: Documentation/members.rst.
 * No other file uses libfdisk.
 */
#ifndef LABEL_H
#define LABEL_H

#include <stdbool.h>
#include <stdint.h>

#include "util/size.h"

#define LABEL_TYPE	"8e9695b3-dcb0-495d-b2a3-aed5171ca457"
#define LABEL_TYPE_INCOMING	"49c1a80a-4a5a-4011-8cd4-58fbc2fb425c"
#define LABEL_TYPE_REPLACED	"810cd75d-d3e2-4963-8e75-69c6c642ffa8"

/* The data begins so far behind the start of the partition. */
#define LABEL_GAP_BYTES		MIB
/* What a disk needs in front of the data, behind it, and as a whole. */
#define LABEL_FRONT_BYTES	(2 * MIB)
#define LABEL_BACK_BYTES	MIB
#define LABEL_DISK_BYTES	(4 * MIB)
/* UTF-16 units; names of mapped devices are ASCII. */
#define LABEL_NAME_MAX		36
#define LABEL_NUMBER_MAX	UINT16_MAX
#define LABEL_GENERATION_MAX	0x3fff

#define UUID_LEN		36

enum label_kind {
	LABEL_NONE,
	LABEL_MEMBER,
	LABEL_INCOMING,		/* to take the place of a member: @joined is a tag */
	LABEL_REPLACED,		/* the disk that was incoming with the tag @next has its place */
	LABEL_FOREIGN,		/* of our type, but not of our layout */
	LABEL_DAMAGED,		/* no copy is sound */
};

/* All but kind is what could be read, and may be empty if the label is foreign or damaged. */
struct label {
	enum label_kind kind;
	bool is_backup;			/* the first copy is damaged */
	bool has_no_backup;		/* the second copy is damaged */
	bool was_incoming;		/* a member because the one that it replaces is marked so */
	char set[UUID_LEN + 1];
	char name[LABEL_NAME_MAX + 1];
	unsigned int number;		/* from 1 */
	unsigned int joined;		/* the generation of this member */
	unsigned int next;		/* of the next one, or of the latest extension begun */
	bool is_void, is_last;
	uint64_t offset_bytes;		/* of the data on the disk */
	uint64_t len_bytes;
};

void set_uuid_new(char *uuid);
bool set_uuid_is(const char *uuid);
const char *label_damage(const struct label *label);
void label_read(struct label *label, int fd, unsigned int sector_bytes);
bool label_write(const struct label *label, int fd, unsigned int sector_bytes);
bool label_erase(int fd, unsigned int sector_bytes);

#endif
