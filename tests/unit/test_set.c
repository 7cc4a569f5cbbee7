// SPDX-License-Identifier: GPL-2.0
/*
 * Sets of members: known ones, and histories of a set that is made and extended, cut short at any
 * write, with members that are missing or copied, or labels that are lost and written anew.
 */
#include <string.h>

#include "../../tools/member/fit.h"
#include "../../tools/util/say.h"
#include "unit.h"

#define SET_A	"11111111-2222-8333-8444-555500000000"
#define SET_B	"aaaaaaaa-bbbb-8ccc-8ddd-eeee00000000"

static void put(struct members *members, const char *path, const char *set, const char *name,
		unsigned int number, unsigned int joined, unsigned int next, bool is_last)
{
	struct label label = {
		.kind = LABEL_MEMBER, .number = number, .joined = joined, .next = next,
		.is_last = is_last, .offset_bytes = 2 * MIB, .len_bytes = 128 * MIB,
	};

	strcpy(label.set, set);
	strcpy(label.name, name);
	members_add(members, path, 0, &label);
}

static struct label *label_of(struct members *members, const char *path)
{
	size_t i;

	for (i = 0; i < members->nr; i++)
		if (!strcmp(members->members[i].path, path))
			return &members->members[i].label;
	return NULL;
}

static enum role role_of(const struct members *members, const char *path)
{
	size_t i;

	for (i = 0; strcmp(members->members[i].path, path); i++)
		;
	return members->members[i].role;
}

/* Find the sets of some members, and expect one in this state, with these words in the reason. */
static void expect(struct members *members, enum set_state state, const char *const *words)
{
	struct sets sets;

	sets_find(&sets, members);
	CHECK(sets.nr == 1 && sets.sets[0].state == state);
	CHECK((state == SET_COMPLETE) == !sets.sets[0].why);
	for (; words && *words; words++)
		if (!strstr(sets.sets[0].why, *words)) {
			fprintf(stderr, "no \"%s\" in: %s\n", *words, sets.sets[0].why);
			exit(1);
		}
	CHECK((set_exit_code(&sets.sets[0]) == EXIT_DONE) == (state == SET_COMPLETE));
	CHECK(set_state_text(&sets.sets[0])[0]);
	sets_free(&sets);
}

#define WORDS(...)	((const char *const []){ __VA_ARGS__, NULL })

/* Three members in another order than theirs. */
static struct members three(void)
{
	struct members members = { 0 };

	put(&members, "/dev/p2", SET_A, "mem", 3, 0, 0, true);
	put(&members, "/dev/p0", SET_A, "mem", 1, 0, 0, false);
	put(&members, "/dev/p1", SET_A, "mem", 2, 0, 0, false);
	return members;
}

static void drop(struct members *members, size_t number)
{
	free(members->members[number].path);
	memmove(&members->members[number], &members->members[number + 1],
		(members->nr - number - 1) * sizeof(*members->members));
	members->nr--;
}

static void complete(void)
{
	struct members members = three();
	struct sets sets;

	sets_find(&sets, &members);
	CHECK(sets.nr == 1 && sets.sets[0].state == SET_COMPLETE && sets.sets[0].nr == 3);
	CHECK(!strcmp(sets.sets[0].chain[0]->path, "/dev/p0"));
	CHECK(!strcmp(sets.sets[0].chain[2]->path, "/dev/p2"));
	CHECK(set_bytes(&sets.sets[0]) == 384 * MIB && !sets.sets[0].missing[0]);
	sets_free(&sets);
	/* The name is the first member's: a rename was cut short. */
	strcpy(label_of(&members, "/dev/p2")->name, "new");
	sets_find(&sets, &members);
	CHECK(sets.sets[0].state == SET_COMPLETE && !strcmp(sets.sets[0].name, "mem"));
	sets_free(&sets);
	members_free(&members);
	sets_find(&sets, &members);
	CHECK(!sets.nr);
}

static void missing(void)
{
	static const struct {
		size_t dropped;
		const char *word;
	} cases[] = {
		{ 0, "member 3 and perhaps more is missing; /dev/p0 is member 1, /dev/p1 is member 2" },
		{ 1, "member 1 is missing; /dev/p2 is member 3, /dev/p1 is member 2" },
		{ 2, "member 2 is missing; /dev/p2 is member 3, /dev/p0 is member 1" },
	};
	struct members members;
	size_t i;

	for (i = 0; i < 3; i++) {
		members = three();
		drop(&members, cases[i].dropped);
		expect(&members, SET_INCOMPLETE, WORDS(cases[i].word));
		members_free(&members);
	}
	put(&members, "/dev/p7", SET_A, "mem", 5, 0, 0, false);
	put(&members, "/dev/p8", SET_A, "mem", 2, 0, 0, false);
	expect(&members, SET_INCOMPLETE, WORDS("member 1, 3, 4, 6 and perhaps more is missing"));
	members_free(&members);
}

static void doubled(void)
{
	struct members members = three();

	put(&members, "/dev/copy", SET_A, "mem", 2, 0, 0, false);
	expect(&members, SET_DOUBLED, WORDS("/dev/p1 and /dev/copy are both member 2"));
	CHECK(role_of(&members, "/dev/p1") == ROLE_COPY);
	CHECK(role_of(&members, "/dev/copy") == ROLE_COPY);
	/* Also if one of the two is from before it ceased to be the last. */
	label_of(&members, "/dev/copy")->is_last = true;
	expect(&members, SET_DOUBLED, NULL);
	/* And if another is missing. */
	drop(&members, 0);
	CHECK(role_of(&members, "/dev/copy") == ROLE_COPY);
	members_free(&members);
}

static void other_kinds(void)
{
	struct members members = three();
	struct label damaged = { .kind = LABEL_DAMAGED };

	label_of(&members, "/dev/p1")->kind = LABEL_FOREIGN;
	expect(&members, SET_FOREIGN, WORDS("/dev/p1 should be member 2", "member 2 is missing"));
	label_of(&members, "/dev/p1")->kind = LABEL_DAMAGED;
	expect(&members, SET_DAMAGED, WORDS("/dev/p1 is the one that is missing"));
	drop(&members, 2);
	members_add(&members, "/dev/bad", 0, &damaged);
	expect(&members, SET_DAMAGED, WORDS("/dev/bad may be the one that is missing", "member 2"));
	members_free(&members);
	/* It does not matter to a set that is whole. */
	members = three();
	members_add(&members, "/dev/bad", 0, &damaged);
	expect(&members, SET_COMPLETE, NULL);
	label_of(&members, "/dev/p0")->is_void = true;
	expect(&members, SET_UNFINISHED, WORDS("daxlinear release /dev/p0"));
	members_free(&members);
}

/* An extend by one that was cut short, and another one by others. */
static void stale(void)
{
	struct members members = three();

	label_of(&members, "/dev/p2")->next = 1;
	put(&members, "/dev/old", SET_A, "mem", 4, 1, 1, true);
	expect(&members, SET_COMPLETE, NULL);
	CHECK(role_of(&members, "/dev/old") == ROLE_LEFT_OVER);
	*label_of(&members, "/dev/p2") = (struct label){
		.kind = LABEL_MEMBER, .set = SET_A, .name = "mem", .number = 3, .next = 2 };
	put(&members, "/dev/new", SET_A, "mem", 4, 2, 2, true);
	expect(&members, SET_COMPLETE, NULL);
	CHECK(role_of(&members, "/dev/old") == ROLE_LEFT_OVER);
	CHECK(role_of(&members, "/dev/new") == ROLE_IN_PLACE);
	/* Without the new one, the old one does not take its place. */
	label_of(&members, "/dev/new")->set[0] = '\0';
	label_of(&members, "/dev/new")->kind = LABEL_NONE;
	expect(&members, SET_STALE, WORDS("/dev/old is member 4 of an extend that was cut short"));
	members_free(&members);
	/* A last member from before the extend. */
	members = three();
	put(&members, "/dev/new", SET_A, "mem", 4, 1, 1, true);
	expect(&members, SET_STALE, WORDS("/dev/p2 is marked as the last", "/dev/new joined after"));
	drop(&members, 3);
	label_of(&members, "/dev/p1")->is_last = true;
	expect(&members, SET_STALE, WORDS("/dev/p1 is marked as the last", "/dev/p2 joined after"));
	members_free(&members);
}

/* Two sets of one name, one of which has a copy of a member. */
/* The label of a replace: number 2 of the set of three(). */
static void put_beside(struct members *members, const char *path, enum label_kind kind,
		       unsigned int tag)
{
	put(members, path, SET_A, "mem", 2, 0, 0, false);
	members->members[members->nr - 1].label.kind = kind;
	if (kind == LABEL_INCOMING)
		members->members[members->nr - 1].label.joined = tag;
	else
		members->members[members->nr - 1].label.next = tag;
}

/* Find the one set, which is complete, and which disk is number 2 of it. */
static const char *second_of(struct members *members)
{
	const char *path;
	struct sets sets;

	sets_find(&sets, members);
	CHECK(sets.nr == 1 && sets.sets[0].state == SET_COMPLETE && sets.sets[0].nr == 3);
	path = sets.sets[0].chain[1]->path;
	sets_free(&sets);
	return path;
}

static void replaced(void)
{
	struct members members = three();
	struct sets sets;

	/* Not marked yet. */
	put_beside(&members, "/dev/p9", LABEL_INCOMING, 77);
	CHECK(!strcmp(second_of(&members), "/dev/p1"));
	/* One that was replaced before counts for nothing, not even with the tag. */
	put_beside(&members, "/dev/p8", LABEL_REPLACED, 77);
	CHECK(!strcmp(second_of(&members), "/dev/p1"));
	CHECK(role_of(&members, "/dev/p8") == ROLE_MISPLACED);
	/* The member is missing: the mark that is left names this one. */
	drop(&members, 2);
	CHECK(!strcmp(second_of(&members), "/dev/p9"));
	CHECK(label_of(&members, "/dev/p9")->kind == LABEL_MEMBER);
	CHECK(label_of(&members, "/dev/p9")->was_incoming);
	members_free(&members);

	/* The mark names another. */
	members = three();
	label_of(&members, "/dev/p1")->kind = LABEL_REPLACED;
	label_of(&members, "/dev/p1")->next = 78;
	put_beside(&members, "/dev/p9", LABEL_INCOMING, 77);
	expect(&members, SET_INCOMPLETE, WORDS("member 2 is missing"));
	/* That one is there, too; and a copy of it. */
	put_beside(&members, "/dev/p7", LABEL_INCOMING, 78);
	CHECK(!strcmp(second_of(&members), "/dev/p7"));
	put_beside(&members, "/dev/p6", LABEL_INCOMING, 78);
	expect(&members, SET_DOUBLED, WORDS("/dev/p7", "/dev/p6"));
	members_free(&members);

	/* It has arrived. */
	members = three();
	put_beside(&members, "/dev/p8", LABEL_REPLACED, 77);
	CHECK(!strcmp(second_of(&members), "/dev/p1"));
	members_free(&members);

	/* Neither is a set, nor a part of one. */
	put_beside(&members, "/dev/p8", LABEL_REPLACED, 77);
	put_beside(&members, "/dev/p9", LABEL_INCOMING, 78);
	sets_find(&sets, &members);
	CHECK(!sets.nr);
	sets_free(&sets);
	members_free(&members);
}

static void two_sets(void)
{
	struct members members = three();
	struct sets sets;

	put(&members, "/dev/q0", SET_B, "mem", 1, 0, 0, false);
	put(&members, "/dev/q1", SET_B, "mem", 2, 0, 0, true);
	put(&members, "/dev/copy", SET_A, "mem", 3, 0, 0, true);
	sets_find(&sets, &members);
	CHECK(sets.nr == 2 && sets.sets[0].state == SET_DOUBLED);
	CHECK(sets.sets[1].state == SET_COMPLETE && sets.sets[1].nr == 2);
	CHECK(!strcmp(sets.sets[0].name, sets.sets[1].name));
	sets_free(&sets);
	members_free(&members);
}

/* A machine: disks with labels, and which of them the set has in truth. */
#define DISKS	40

struct world {
	struct label disks[DISKS];
	unsigned int truth[DISKS], next[DISKS];
	unsigned int nr, nr_next;
	unsigned long writes;	/* until the cut */
	bool is_cut;
};

static bool write_label(struct world *world, unsigned int disk, const struct label *label)
{
	if (!world->writes)
		world->is_cut = true;
	if (world->is_cut)
		return false;
	world->writes--;
	world->disks[disk] = *label;
	return true;
}

/* A disk that is none of the set's.  Labels that were left may be there. */
static unsigned int free_disk(const struct world *world)
{
	unsigned int disk, i;

	for (;;) {
		disk = unit_below(DISKS);
		for (i = 0; i < world->nr_next && world->next[i] != disk; i++)
			;
		if (i == world->nr_next)
			return disk;
	}
}

static struct label new_label(unsigned int number, unsigned int generation, bool is_last)
{
	struct label label = {
		.kind = LABEL_MEMBER, .number = number, .joined = generation, .next = generation,
		.is_last = is_last, .set = SET_A, .name = "mem",
	};

	return label;
}

static void make(struct world *world, unsigned int nr)
{
	struct label label;
	unsigned int i;

	for (; world->nr_next < nr; world->nr_next++)
		world->next[world->nr_next] = free_disk(world);
	label = new_label(1, 0, nr == 1);
	label.is_void = true;
	write_label(world, world->next[0], &label);
	for (i = nr; i > 1; i--) {
		struct label other = new_label(i, 0, i == nr);

		write_label(world, world->next[i - 1], &other);
	}
	label.is_void = false;
	if (!write_label(world, world->next[0], &label))
		return;
	memcpy(world->truth, world->next, sizeof(world->truth));
	world->nr = nr;
}

static void extend(struct world *world, unsigned int more)
{
	unsigned int old = world->nr, nr = old + more, i, end = world->truth[old - 1];
	struct label label = world->disks[end];

	memcpy(world->next, world->truth, sizeof(world->next));
	for (world->nr_next = old; world->nr_next < nr; world->nr_next++)
		world->next[world->nr_next] = free_disk(world);
	label.next++;
	write_label(world, end, &label);
	for (i = nr; i > old; i--) {
		struct label other = new_label(i, label.next, i == nr);

		write_label(world, world->next[i - 1], &other);
	}
	label.is_last = false;
	if (!write_label(world, end, &label))
		return;
	memcpy(world->truth, world->next, sizeof(world->truth));
	world->nr = nr;
}

/* What is read of the disks, without some of them and with a copy of one.  Return whether it may be whole. */
static void read_world(const struct world *world, struct members *members, unsigned int lost,
		       unsigned int copied)
{
	unsigned int start = unit_below(DISKS), i, disk;
	char path[16];

	for (i = 0; i < DISKS; i++) {
		disk = (start + i) % DISKS;
		if (world->disks[disk].kind == LABEL_NONE || disk == lost)
			continue;
		snprintf(path, sizeof(path), "%u", disk);
		members_add(members, path, 0, &world->disks[disk]);
		if (disk == copied)
			members_add(members, "copy", 0, &world->disks[disk]);
	}
}

static bool is_truth(const struct set *set, const struct world *world)
{
	unsigned int i;

	for (i = 0; i < set->nr && i < world->nr; i++)
		if (strtoul(set->chain[i]->path, NULL, 10) != world->truth[i])
			return false;
	return set->nr == world->nr;
}

static void look(const struct world *world)
{
	unsigned int lost = DISKS, copied = DISKS, i;
	struct members members = { 0 };
	bool is_lost = false, is_copied = false;
	struct sets sets;

	if (unit_below(3) == 0)
		lost = unit_below(DISKS);
	if (unit_below(3) == 0)
		copied = unit_below(DISKS);
	for (i = 0; i < world->nr; i++) {
		is_lost |= world->truth[i] == lost;
		is_copied |= world->truth[i] == copied && copied != lost;
	}
	read_world(world, &members, lost, copied);
	sets_find(&sets, &members);
	CHECK(sets.nr <= 1);
	if (!world->nr)
		CHECK(!sets.nr || sets.sets[0].state != SET_COMPLETE);
	else if (is_lost || is_copied)
		CHECK(!sets.nr || sets.sets[0].state != SET_COMPLETE);
	else
		CHECK(sets.nr && sets.sets[0].state == SET_COMPLETE &&
		      is_truth(&sets.sets[0], world));
	sets_free(&sets);
	members_free(&members);
}

/* Lose some labels of the live device, or all, and write them anew. */
static void lose(struct world *world)
{
	struct members members = { 0 };
	struct label labels[DISKS] = { 0 };
	unsigned int i, all = unit_below(4) == 0;
	struct sets sets;

	for (i = 0; i < world->nr; i++) {
		struct label *label = &world->disks[world->truth[i]];

		if (all || unit_below(3) == 0)
			*label = (struct label){ 0 };
		labels[i] = *label;
	}
	read_world(world, &members, DISKS, DISKS);
	labels_fit(labels, world->nr, SET_A, &members, "mem");
	members_free(&members);
	for (i = 0; i < world->nr; i++)
		world->disks[world->truth[i]] = labels[i];
	read_world(world, &members, DISKS, DISKS);
	sets_find(&sets, &members);
	CHECK(sets.nr == 1 && sets.sets[0].state == SET_COMPLETE &&
	      is_truth(&sets.sets[0], world));
	sets_free(&sets);
	members_free(&members);
}

static void history(void)
{
	struct world world = { .writes = unit_below(8) };
	unsigned int steps = unit_below(5);

	make(&world, 1 + unit_below(4));
	look(&world);
	while (world.nr && world.nr < DISKS / 2 && steps--) {
		world.writes = unit_below(8);
		world.is_cut = false;
		extend(&world, 1 + unit_below(3));
		look(&world);
		if (unit_below(3) == 0)
			lose(&world);
	}
}

/* A child that another program has added, and what an extend that was cut short has left. */
static void added(void)
{
	struct members members = three();
	struct label labels[4] = { 0 };
	struct sets sets;
	size_t i;

	label_of(&members, "/dev/p2")->next = 1;
	put(&members, "/dev/old", SET_A, "mem", 4, 1, 1, true);
	labels[0] = *label_of(&members, "/dev/p0");
	labels[1] = *label_of(&members, "/dev/p1");
	labels[2] = *label_of(&members, "/dev/p2");
	labels_fit(labels, 4, SET_A, &members, "new");
	*label_of(&members, "/dev/p0") = labels[0];
	*label_of(&members, "/dev/p1") = labels[1];
	*label_of(&members, "/dev/p2") = labels[2];
	members_add(&members, "/dev/p3", 0, &labels[3]);
	sets_find(&sets, &members);
	CHECK(sets.nr == 1 && sets.sets[0].state == SET_COMPLETE && sets.sets[0].nr == 4);
	CHECK(!strcmp(sets.sets[0].chain[3]->path, "/dev/p3"));
	CHECK(role_of(&members, "/dev/old") == ROLE_LEFT_OVER);
	for (i = 0; i < 4; i++)
		CHECK(!strcmp(sets.sets[0].chain[i]->label.name, "new"));
	sets_free(&sets);
	members_free(&members);
}

/* As many as were asked for, and one is missing. */
static void many(void)
{
	struct members members = { 0 };
	struct sets sets;
	char path[16];
	unsigned int i;

	for (i = 128; i; i--) {
		snprintf(path, sizeof(path), "%u", i);
		put(&members, path, SET_A, "mem", i, 0, 0, i == 128);
	}
	sets_find(&sets, &members);
	CHECK(sets.sets[0].state == SET_COMPLETE && sets.sets[0].nr == 128);
	CHECK(set_bytes(&sets.sets[0]) == 128 * 128 * MIB);
	sets_free(&sets);
	drop(&members, 128 - 77);
	expect(&members, SET_INCOMPLETE, WORDS("member 77 is missing"));
	members_free(&members);
}

int main(int argc, char **argv)
{
	unsigned long cases = argc > 1 ? strtoul(argv[1], NULL, 0) : 1000000;

	complete();
	missing();
	doubled();
	other_kinds();
	stale();
	replaced();
	two_sets();
	added();
	many();
	for (unit_case = 0; unit_case < cases / 10; unit_case++)
		history();
	printf("set: %lu histories leave the old set or the new one\n", cases / 10);
	return 0;
}
