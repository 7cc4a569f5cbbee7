// SPDX-License-Identifier: GPL-2.0
/*
 * Labels on images of disks, with logical sectors of 512 and of 4096 bytes: what libfdisk writes is
 * read back, the second copy serves, and each state between two writes is the old label or the new.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../../tools/member/set.h"
#include "unit.h"

#define IMAGE_BYTES	(4 * MIB)
#define ENTRIES_BYTES	(128 * 128)

static unsigned int sector_bytes;

static int new_image(void)
{
	char path[] = "/tmp/label-XXXXXX";
	int fd = mkstemp(path);

	CHECK(fd >= 0 && !unlink(path) && !ftruncate(fd, IMAGE_BYTES));
	return fd;
}

static struct label sample(void)
{
	struct label label = {
		.kind = LABEL_MEMBER, .name = "mem", .number = 300, .joined = 0x1234, .next = 0x2345,
		.is_last = true, .offset_bytes = 2 * MIB, .len_bytes = MIB,
	};

	set_uuid_new(label.set);
	return label;
}

static bool equal(const struct label *a, const struct label *b)
{
	return a->kind == b->kind && !strcmp(a->set, b->set) && !strcmp(a->name, b->name) &&
	       a->number == b->number && a->joined == b->joined && a->next == b->next &&
	       a->is_void == b->is_void && a->is_last == b->is_last &&
	       a->offset_bytes == b->offset_bytes && a->len_bytes == b->len_bytes;
}

static struct label read_label(int fd)
{
	struct label label;

	label_read(&label, fd, sector_bytes);
	return label;
}

static void expect(int fd, const struct label *label, bool is_backup)
{
	struct label found = read_label(fd);

	CHECK(equal(&found, label) && found.is_backup == is_backup);
}

static void expect_kind(int fd, enum label_kind kind)
{
	struct label found = read_label(fd);

	CHECK(found.kind == kind);
}

/* Expect words in what is damaged of a label, or NULL. */
static void expect_damage(int fd, const char *words)
{
	struct label found = read_label(fd);
	const char *damage = label_damage(&found);

	CHECK(words ? damage && strstr(damage, words) : !damage);
}

static void uuids(void)
{
	char uuid[UUID_LEN + 1], other[UUID_LEN + 1];
	int i;

	for (i = 0; i < 1000; i++) {
		set_uuid_new(uuid);
		set_uuid_new(other);
		CHECK(set_uuid_is(uuid) && strcmp(uuid, other));
		uuid[unit_below(UUID_LEN)] = 'x';
		CHECK(!set_uuid_is(uuid));
	}
	CHECK(!set_uuid_is("") && !set_uuid_is("11111111-2222-8333-8444-5555000000000"));
	CHECK(!set_uuid_is("11111111-2222-8333-8444-555500000001"));
	CHECK(!set_uuid_is("11111111-2222-4333-8444-555500000000"));
	CHECK(!set_uuid_is("A1111111-2222-8333-8444-555500000000"));
}

static void written(void)
{
	static const struct {
		unsigned int number, joined, next;
		bool is_void, is_last;
		const char *name;
	} cases[] = {
		{ 1, 0, 0, false, false, "m" },
		{ 1, 0, 0, true, true, "mem" },
		{ 128, 1, 2, false, true, "a+b-c.d:e=f@g_h" },
		{ LABEL_NUMBER_MAX, UINT16_MAX, LABEL_GENERATION_MAX, false, true,
		  "123456789012345678901234567890123456" },
	};
	struct label label = sample();
	int fd = new_image();
	size_t i;

	expect_kind(fd, LABEL_NONE);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unit_case = i;
		label.number = cases[i].number;
		label.joined = cases[i].joined;
		label.next = cases[i].next;
		label.is_void = cases[i].is_void;
		label.is_last = cases[i].is_last;
		strcpy(label.name, cases[i].name);
		CHECK(label_write(&label, fd, sector_bytes));
		expect(fd, &label, false);
	}
	for (label.kind = LABEL_MEMBER; label.kind <= LABEL_REPLACED; label.kind++) {
		CHECK(label_write(&label, fd, sector_bytes));
		expect(fd, &label, false);
	}
	label.kind = LABEL_MEMBER;
	/* Another place, as where huge pages are larger. */
	label.offset_bytes = 2 * MIB + 64 * KIB;
	label.len_bytes = 512 * KIB;
	CHECK(label_write(&label, fd, sector_bytes));
	expect(fd, &label, false);
	CHECK(label_erase(fd, sector_bytes));
	expect_kind(fd, LABEL_NONE);
	close(fd);
}

static void spoil(int fd, off_t at)
{
	char byte;

	CHECK(pread(fd, &byte, 1, at) == 1);
	byte ^= 0x55;
	CHECK(pwrite(fd, &byte, 1, at) == 1);
}

static void damaged(void)
{
	off_t first[] = { sector_bytes + 20, 2 * sector_bytes + 17, 2 * sector_bytes + 500 };
	off_t second[] = { IMAGE_BYTES - sector_bytes + 20,
			   IMAGE_BYTES - sector_bytes - ENTRIES_BYTES + 17,
			   IMAGE_BYTES - sector_bytes - ENTRIES_BYTES + 500 };
	struct label label = sample(), found;
	int fd, i, j;

	for (i = 0; i < 3; i++)
		for (j = 0; j < 3; j++) {
			fd = new_image();
			CHECK(label_write(&label, fd, sector_bytes));
			spoil(fd, first[i]);
			expect(fd, &label, true);
			spoil(fd, second[j]);
			found = read_label(fd);
			CHECK(found.kind == LABEL_DAMAGED);
			/* What can be read of it serves to name the member. */
			CHECK(!found.number || found.number == label.number || i == 1);
			/* A write makes both copies anew. */
			CHECK(label_write(&label, fd, sector_bytes));
			expect(fd, &label, false);
			spoil(fd, first[i]);
			expect(fd, &label, true);
			close(fd);
		}
	/* The second alone is of no consequence, but named. */
	for (i = 0; i < 3; i++) {
		fd = new_image();
		CHECK(label_write(&label, fd, sector_bytes));
		expect_damage(fd, NULL);
		spoil(fd, second[i]);
		expect(fd, &label, false);
		expect_damage(fd, "the second copy");
		CHECK(label_write(&label, fd, sector_bytes));
		expect_damage(fd, NULL);
		spoil(fd, first[i]);
		expect_damage(fd, "the first copy");
		spoil(fd, second[0]);
	}
	/* A damaged label that is erased is none. */
	expect_kind(fd, LABEL_DAMAGED);
	CHECK(label_erase(fd, sector_bytes));
	expect_kind(fd, LABEL_NONE);
	/* Of a create that was cut short before the partition table began. */
	label.is_void = true;
	CHECK(label_write(&label, fd, sector_bytes));
	CHECK(pwrite(fd, (char[512]){ 0 }, 512, 0) == 512);
	expect_kind(fd, LABEL_NONE);
	label.is_void = false;
	CHECK(label_write(&label, fd, sector_bytes));
	CHECK(pwrite(fd, (char[512]){ 0 }, 512, 0) == 512);
	expect_kind(fd, LABEL_DAMAGED);
	close(fd);
}

static void copy_range(int from, int to, off_t at, size_t len)
{
	char *bytes = malloc(len);

	CHECK(pread(from, bytes, len, at) == (ssize_t)len);
	CHECK(pwrite(to, bytes, len, at) == (ssize_t)len);
	free(bytes);
}

/* The writes of libfdisk in their order, each of which may be torn. */
static void cut_short(void)
{
	struct part {
		off_t at;
		size_t len;
	} parts[] = {
		{ IMAGE_BYTES - sector_bytes - ENTRIES_BYTES, ENTRIES_BYTES },
		{ IMAGE_BYTES - sector_bytes, sector_bytes },
		{ 2 * sector_bytes, ENTRIES_BYTES },
		{ sector_bytes, sector_bytes },
		{ 0, sector_bytes },
	};
	struct label old = sample(), new = old, found;
	int before, after, fd;
	size_t done, torn;

	new.is_last = false;
	new.next++;
	strcpy(new.name, "renamed");
	before = new_image();
	after = new_image();
	CHECK(label_write(&old, before, sector_bytes) && label_write(&old, after, sector_bytes));
	CHECK(label_write(&new, after, sector_bytes));
	for (done = 0; done < 5; done++)
		for (torn = 0; torn < 2; torn++) {
			unit_case = done * 2 + torn;
			fd = new_image();
			copy_range(before, fd, 0, IMAGE_BYTES);
			for (size_t i = 0; i < done; i++)
				copy_range(after, fd, parts[i].at, parts[i].len);
			if (torn)
				copy_range(after, fd, parts[done].at, 72);
			found = read_label(fd);
			CHECK(equal(&found, &old) || equal(&found, &new));
			/* The entries of the first copy decide. */
			if (!torn)
				CHECK(equal(&found, done < 3 ? &old : &new));
			close(fd);
		}
	close(before);
	close(after);
}

static void foreign(void)
{
	struct label label = sample();
	int fd = new_image();

	/* No room for data. */
	label.len_bytes = 0;
	CHECK(label_write(&label, fd, sector_bytes));
	expect_kind(fd, LABEL_FOREIGN);
	label = sample();
	label.number = 0;
	CHECK(label_write(&label, fd, sector_bytes));
	expect_kind(fd, LABEL_FOREIGN);
	label = sample();
	label.set[14] = '4';
	CHECK(label_write(&label, fd, sector_bytes));
	expect_kind(fd, LABEL_FOREIGN);
	/* A name that no message should print as it is. */
	label = sample();
	strcpy(label.name, "m\033[2J\302\251 x");
	CHECK(label_write(&label, fd, sector_bytes));
	label = read_label(fd);
	CHECK(label.kind == LABEL_MEMBER && !strcmp(label.name, "m?[2J???x"));
	close(fd);
}

/* Too small a disk is an error, and its content stays. */
static void small(void)
{
	struct label label = sample();
	int fd = new_image();

	CHECK(!ftruncate(fd, 2 * MIB));
	CHECK(!label_write(&label, fd, sector_bytes));
	expect_kind(fd, LABEL_NONE);
	CHECK(!ftruncate(fd, 1024));
	CHECK(!label_write(&label, fd, sector_bytes) && !label_erase(fd, sector_bytes));
	close(fd);
}

/* A set of 128 images, written and read. */
static void many(void)
{
	struct members members = { 0 };
	struct label label = sample();
	struct sets sets;
	char path[16];
	unsigned int number;

	for (number = 128; number; number--) {
		int fd = new_image();

		label.number = number;
		label.joined = 0;
		label.next = 0;
		label.is_last = number == 128;
		CHECK(label_write(&label, fd, sector_bytes));
		snprintf(path, sizeof(path), "%u", number);
		label = read_label(fd);
		members_add(&members, path, 0, &label);
		close(fd);
	}
	sets_find(&sets, &members);
	CHECK(sets.nr == 1 && sets.sets[0].state == SET_COMPLETE && sets.sets[0].nr == 128);
	sets_free(&sets);
	members_free(&members);
}

int main(void)
{
	static const unsigned int sizes[] = { 512, 4096 };
	int i;

	uuids();
	for (i = 0; i < 2; i++) {
		sector_bytes = sizes[i];
		written();
		damaged();
		cut_short();
		foreign();
		small();
		many();
	}
	printf("label: images with logical sectors of 512 and 4096 bytes are written and read\n");
	return 0;
}
