// SPDX-License-Identifier: GPL-2.0
/*
 * The monitor's state file: what is written is read back, with the keys of other versions; any text
 * at all is read or set aside; and a crash or a full disk at any step of writing leaves the old file
 * or the new one.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../tools/util/clock.h"
#include "unit.h"

/* The step of writing at which the process dies, or the disk is full; from 1. */
static int steps, dies_at, fails_at;

static bool step(void)
{
	steps++;
	if (steps == dies_at)
		raise(SIGKILL);
	errno = ENOSPC;
	return steps != fails_at;
}

/* Half of it is written before the step fails. */
static ssize_t step_write(int fd, const void *data, size_t length)
{
	size_t half = length / 2 + 1;

	if (write(fd, data, half) != (ssize_t)half)
		return -1;
	return step() ? (ssize_t)half : -1;
}

static int step_fsync(int fd)
{
	return step() ? fsync(fd) : -1;
}

static int step_rename(const char *from, const char *to)
{
	return step() ? rename(from, to) : -1;
}

#define write	step_write
#define fsync	step_fsync
#define rename	step_rename
#include "../../tools/health/history.c"
#undef write
#undef fsync
#undef rename

/* When a range has failed, before anything is settled. */
#define BEFORE	"2001-01-01T00:00:00.000Z"

static char folder[] = "/tmp/daxlinear-history-XXXXXX";

static char *path_of(const char *name)
{
	return format_text("%s/%s", folder, name);
}

static bool there(const char *name)
{
	char *path = path_of(name);
	bool found = !access(path, F_OK);

	free(path);
	return found;
}

static void drop(const char *name)
{
	char *path = path_of(name);

	unlink(path);
	free(path);
}

static void put(const char *text)
{
	char *path = path_of(FILE_NAME);
	FILE *file = fopen(path, "w");

	CHECK(file && fputs(text, file) >= 0 && !fclose(file));
	free(path);
}

static char *got(void)
{
	char *text = read_text("%s/" FILE_NAME, folder);

	CHECK(text);
	return text;
}

/* As a monitor does, but for the lock, which is the process's. */
static void open_again(struct history *history)
{
	bool damaged;

	CHECK(load(history, folder, &damaged));
}

static void add(struct history *history, const char *child, const char *namespace, uint64_t sector,
		const char *last)
{
	struct history_range range = {
		.child = child, .namespace = namespace, .sector = sector, .sectors = 8,
		.first = last, .last = last, .count = 1, .source = "record", .result = "handled",
		.boot = "b", .state = "bad",
	};
	char *owners[] = { "/a (data)", "/b (data)" };

	history_add(history, &range, owners, 2);
}

static void kept(void)
{
	const struct history_range **ranges;
	const struct history_child *child;
	struct history history;
	size_t nr;

	open_again(&history);
	CHECK(!history.nr_ranges && !history.nr_children && !there(FILE_NAME));
	history_set_child(&history, &(struct history_child){
		.child = "pmem1", .namespace = "u-1", .name = "namespace0.0", .boot = "b",
		.dev = makedev(259, 1), .seq = 7 });
	history_set_child(&history, &(struct history_child){ .child = "pmem2", .boot = "b" });
	add(&history, "pmem1", "u-1", 8, "t1");
	add(&history, "pmem1", "u-1", 16, "t1");
	add(&history, "pmem2", NULL, 8, "t2");
	/* The same child by another name, the same range once more. */
	add(&history, "pmem9", "u-1", 8, "t3");
	CHECK(history_save(&history));
	history_free(&history);

	open_again(&history);
	CHECK(history.nr_children == 2 && history.nr_ranges == 3);
	child = history_child(&history, "pmem5", "u-1");
	CHECK(child && child->seq == 7 && !strcmp(child->name, "namespace0.0"));
	CHECK(history_child_of(&history, "b", makedev(259, 1)) == child);
	CHECK(!history_child_of(&history, "c", makedev(259, 1)));
	CHECK(!history_child(&history, "pmem1", NULL) && !history_child(&history, "pmem2", "u-2"));
	CHECK(history_child(&history, "pmem2", NULL));
	nr = history_find(&history, "pmem1", "u-1", &ranges);
	CHECK(nr == 2 && ranges[0]->count == 2 && !strcmp(ranges[0]->first, "t1") &&
	      !strcmp(ranges[0]->last, "t3") && !strcmp(ranges[0]->child, "pmem9"));
	CHECK(!strcmp(history_owner(ranges[0], 1), "/b (data)") && !history_owner(ranges[0], 2));
	history_remove(&history, ranges[0]);
	free(ranges);
	CHECK(history.nr_ranges == 2 && history.ranges[0].sector == 16);
	/* From itself. */
	child = history_child(&history, NULL, "u-1");
	history_set_child(&history, child);
	CHECK(!strcmp(history_child(&history, NULL, "u-1")->child, "pmem1"));
	CHECK(history_save(&history));
	history_free(&history);
	open_again(&history);
	CHECK(history.nr_ranges == 2 && history.nr_children == 2);
	history_free(&history);
	drop(FILE_NAME);
}

#define RANGE	"\"child\": \"p\", \"sector\": 8, \"sectors\": 8, \"first\": \"t\", \"last\": \"t\"," \
		"\"count\": 1, \"source\": \"record\", \"boot\": \"b\", \"state\": \"bad\""

static void unknown_keys(void)
{
	struct history history;
	char *text;

	put("{ \"version\": 1, \"later\": { \"x\": [ 1.5 ] }, \"children\": [ { \"child\": \"p\","
	    "\"boot\": \"b\", \"seq\": 1, \"colour\": \"red\" } ],"
	    "\"ranges\": [ {" RANGE ", \"spare\": 77 } ] }");
	open_again(&history);
	history_set_child(&history, &(struct history_child){ .child = "p", .boot = "c", .seq = 2 });
	add(&history, "p", NULL, 8, "u");
	CHECK(history_save(&history));
	history_free(&history);
	text = got();
	CHECK(strstr(text, "1.5") && strstr(text, "\"colour\": \"red\"") &&
	      strstr(text, "\"spare\": 77") && strstr(text, "\"count\": 2") &&
	      strstr(text, "\"boot\": \"c\"") && !strstr(text, "\"first\": \"u\""));
	free(text);
	drop(FILE_NAME);
}

/* Messages would be printed for each. */
static void quiet(bool on)
{
	static int before = -1;

	fflush(stderr);
	if (on) {
		before = dup(2);
		CHECK(freopen("/dev/null", "w", stderr));
	} else {
		dup2(before, 2);
		close(before);
	}
}

static void damaged(void)
{
	static const char * const texts[] = {
		"", "{", "[]", "null", "7", "{}", "{ \"version\": 1 }", "{ \"version\": 2 }",
		"{ \"version\": 2, \"children\": [], \"ranges\": [] }",
		"{ \"version\": 1, \"children\": {}, \"ranges\": [] }",
		"{ \"version\": 1, \"children\": [], \"ranges\": [ 1 ] }",
		"{ \"version\": 1, \"children\": [], \"ranges\": [] } x",
		"{ \"version\": 1, \"children\": [ { \"child\": \"p\", \"boot\": \"b\" } ], \"ranges\": [] }",
		"{ \"version\": 1, \"children\": [ { \"child\": \"p\", \"boot\": \"b\", \"seq\": -1 } ],"
		" \"ranges\": [] }",
		"{ \"version\": 1, \"children\": [ { \"child\": \"p\", \"boot\": \"b\", \"seq\": 1,"
		" \"dev\": \"x\" } ], \"ranges\": [] }",
		"{ \"version\": 1, \"children\": [], \"ranges\": [ {} ] }",
		"{ \"version\": 1, \"children\": [], \"ranges\": [ { \"sectors\": 18446744073709551615, "
		RANGE " }, { " RANGE ", \"sectors\": 18446744073709551615 } ] }",
		"\x01\x02\xff",
	};
	struct history history;
	char name[40], *text;
	bool wrong;
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		unit_case = i;
		put(texts[i]);
		quiet(true);
		CHECK(!history_load(&history, folder) && !history.nr_ranges && !history.nr_children);
		history_free(&history);
		CHECK(there(FILE_NAME));
		CHECK(!load(&history, folder, &wrong) && wrong && set_aside(&history));
		quiet(false);
		CHECK(!there(FILE_NAME));
		sprintf(name, FILE_NAME ".damaged-%zu", i + 1);
		CHECK(there(name));
		/* It can be used at once. */
		add(&history, "p", NULL, 8, BEFORE);
		CHECK(history_save(&history));
		history_free(&history);
		text = got();
		CHECK(strstr(text, "\"version\": 1"));
		free(text);
	}
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		sprintf(name, FILE_NAME ".damaged-%zu", i + 1);
		drop(name);
	}
	drop(FILE_NAME);
}

/* How many ranges the file has. */
static size_t on_disk(void)
{
	struct history history;
	size_t nr;

	open_again(&history);
	nr = history.nr_ranges;
	history_free(&history);
	return nr;
}

/* A process that writes one range more and dies at a step of it; false if it came to the end. */
static bool killed_at(int at)
{
	struct history history;
	int status;
	pid_t pid = fork();

	if (!pid) {
		open_again(&history);
		add(&history, "p", NULL, 8000 * at, BEFORE);
		steps = 0;
		dies_at = at;
		history_save(&history);
		_exit(0);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static void each_step(void)
{
	size_t before, after;
	struct history history;
	int at;
	bool more;

	open_again(&history);
	add(&history, "p", NULL, 8, BEFORE);
	CHECK(history_save(&history));
	history_free(&history);
	for (at = 1, more = true; more; at++) {
		unit_case = at;
		before = on_disk();
		more = killed_at(at);
		after = on_disk();
		CHECK(after == before || after == before + 1);
		CHECK(more || after == before + 1);
	}
	/* Some writes, two syncs and a rename. */
	CHECK(at > 5);
	for (at = 1, more = true; more; at++) {
		unit_case = at;
		before = on_disk();
		open_again(&history);
		add(&history, "q", NULL, 8000 * at, BEFORE);
		steps = 0;
		fails_at = at;
		more = !history_save(&history);
		CHECK(!more || errno == ENOSPC);
		fails_at = 0;
		after = on_disk();
		CHECK(after == before || after == before + 1);
		CHECK(!there(FILE_NAME ".new") || after == before);
		/* When there is room again. */
		CHECK(history_save(&history) && on_disk() == before + 1);
		history_free(&history);
	}
	CHECK(at > 5);
	drop(FILE_NAME);
	drop(FILE_NAME ".new");
}

/* What can be neither read nor set aside is left as it is. */
static void unreadable(void)
{
	struct history history;
	char *path = path_of(FILE_NAME);

	CHECK(!mkdir(path, 0700));
	quiet(true);
	CHECK(history_open(&history, folder) && !history.nr_ranges);
	quiet(false);
	CHECK(!history_save(&history) && errno == EIO && !there(FILE_NAME ".new"));
	history_free(&history);
	CHECK(!rmdir(path));
	free(path);
}

static void mounts(void)
{
	char *texts[] = { "b dm-0 1", "b dm-1 2" };
	struct history history;

	open_again(&history);
	CHECK(!history_has_mount(&history, texts[0]));
	history_set_mounts(&history, texts, 2);
	CHECK(history_save(&history));
	history_free(&history);
	open_again(&history);
	CHECK(history_has_mount(&history, texts[1]) && !history_has_mount(&history, "b"));
	history_set_mounts(&history, texts, 1);
	CHECK(!history_has_mount(&history, texts[1]));
	history_free(&history);
	drop(FILE_NAME);
}

static void settle(const char *child, const char *namespace, uint64_t sector, uint64_t sectors,
		   const char *state)
{
	CHECK(history_settled(folder, &(struct history_range){
		.child = child, .namespace = namespace, .sector = sector, .sectors = sectors,
		.state = state }, NULL));
}

/* The state of each sector of a child: of its ranges none overlap. */
static void states(const struct history *history, const char *child, char *text)
{
	uint64_t at;
	size_t i;

	memset(text, '.', 40);
	text[40] = 0;
	for (i = 0; i < history->nr_ranges; i++) {
		const struct history_range *range = &history->ranges[i];

		if (strcmp(range->child, child))
			continue;
		for (at = range->sector; at < range->sector + range->sectors; at++) {
			CHECK(at < 40 && text[at] == '.');
			text[at] = range->state[0];
		}
		CHECK(!strcmp(range->first, BEFORE) &&
		      !strcmp(history_owner(range, 0), "/a (data)"));
	}
}

/* What repair settles is read by each reader, and written once by the writer. */
static void settled(void)
{
	struct history history;
	char text[41];

	/* Without a folder there is nothing to note. */
	CHECK(history_settled("/nonexistent", &(struct history_range){ .child = "p" }, NULL));
	open_again(&history);
	add(&history, "p", "u", 8, BEFORE);
	add(&history, "p", "u", 16, BEFORE);
	add(&history, "p", "u", 24, BEFORE);
	add(&history, "q", NULL, 8, BEFORE);
	CHECK(history_save(&history) && history_settle(&history));
	history_free(&history);

	settle("x", "u", 12, 8, "quarantined");
	settle("p", NULL, 0, 40, NULL);
	settle("q", NULL, 8, 8, NULL);
	CHECK(history_load(&history, folder));
	states(&history, "p", text);
	CHECK(!strncmp(text, "........bbbbqqqqqqqqbbbbbbbbbbbb........", 40));
	states(&history, "q", text);
	CHECK(!strchr(text, 'b'));
	history_free(&history);
	CHECK(on_disk() == 4);

	/* As the monitor does: what was noted is in the history then, and nowhere else. */
	open_again(&history);
	CHECK(history_settle(&history));
	CHECK(!history_apply_settled(&history));
	/* A driver that lists it again changes nothing. */
	add(&history, "p", "u", 16, BEFORE);
	history_free(&history);
	settle("p", "u", 16, 4, NULL);
	settle("p", "u", 24, 1, NULL);
	open_again(&history);
	CHECK(history_settle(&history));
	history_free(&history);
	open_again(&history);
	states(&history, "p", text);
	CHECK(!strncmp(text, "........bbbbqqqq....bbbb.bbbbbbb........", 40));
	history_free(&history);
	drop(FILE_NAME);
	drop("settled");
}

/* What a replace has lost is listed until it is written over, and what fails there is not it. */
static void settled_as_lost(void)
{
	struct history history;
	struct history_range range = {
		.child = "p", .namespace = "u", .sector = 8, .sectors = 16, .state = "lost" };

	CHECK(history_settled(folder, &range, "/a b (data)"));
	range.sector = 32;
	CHECK(history_settled(folder, &range, NULL));
	settle("p", "u", 10, 4, "quarantined");
	settle("p", "u", 12, 4, NULL);
	CHECK(history_load(&history, folder));
	CHECK(history.nr_ranges == 3);
	CHECK(history.ranges[0].sector == 32 && !history_owner(&history.ranges[0], 0));
	CHECK(history.ranges[1].sector == 8 && history.ranges[1].sectors == 4);
	CHECK(history.ranges[2].sector == 16 && history.ranges[2].sectors == 8);
	CHECK(!strcmp(history.ranges[2].state, "lost"));
	CHECK(!strcmp(history_owner(&history.ranges[2], 0), "/a b (data)"));
	history_free(&history);
	open_again(&history);
	CHECK(history_settle(&history));
	history_free(&history);
	/* Of a replace that is run again, nothing is there twice. */
	range.sector = 16;
	range.sectors = 8;
	CHECK(history_settled(folder, &range, "/other"));
	CHECK(history_load(&history, folder));
	CHECK(history.nr_ranges == 3);
	history_free(&history);
	drop(FILE_NAME);
	drop("settled");
}

/* What fails after a repair stays, though the line of the repair is read once more. */
static void settled_before(void)
{
	struct history history;
	char *now;

	open_again(&history);
	add(&history, "p", NULL, 8, BEFORE);
	/* When the clock was wrong. */
	add(&history, "p", NULL, 16, "2999-01-01T00:00:00.000Z");
	settle("p", NULL, 0, 40, NULL);
	CHECK(history_apply_settled(&history) && !history.nr_ranges);
	usleep(2000);
	now = clock_text(clock_now());
	add(&history, "p", NULL, 8, now);
	free(now);
	CHECK(history_apply_settled(&history) && history.nr_ranges == 1);
	CHECK(history_settle(&history));
	history_free(&history);
	CHECK(on_disk() == 1);
	drop(FILE_NAME);
	drop("settled");
}

/* A line that a kill has cut off is none, and what follows is read. */
static void settled_in_part(void)
{
	char *path = path_of("settled");
	struct history history;
	FILE *file = fopen(path, "w");

	open_again(&history);
	add(&history, "p", NULL, 8, BEFORE);
	add(&history, "p", NULL, 16, BEFORE);
	CHECK(history_save(&history));
	history_free(&history);
	CHECK(file && fputs("x\np - 8 8", file) >= 0 && !fclose(file));
	CHECK(history_load(&history, folder) && history.nr_ranges == 2);
	history_free(&history);
	settle("p", NULL, 16, 8, NULL);
	CHECK(history_load(&history, folder) && history.nr_ranges == 1 &&
	      history.ranges[0].sector == 8);
	history_free(&history);
	free(path);
	drop(FILE_NAME);
	drop("settled");
}

/* The lock is that of unreadable(), by another open of the folder. */
static void one_writer(void)
{
	struct history history;

	CHECK(!history_open(&history, folder));
}

static void random_text(void)
{
	static const char * const parts[] = {
		"{", "}", "[", "]", ",", ":", "\"version\": 1", "\"children\": [", "\"ranges\": [",
		"{" RANGE "}", "{ \"child\": \"p\", \"boot\": \"b\", \"seq\": 3 }", "null", "7", "\"",
		"{ \"version\": 1, \"children\": [", "], \"ranges\": [", "] }", "\"owners\": [ 1, \"x\" ]",
	};
	struct history history = { .folder = copy_text(folder) };
	char text[4000] = "";
	size_t i;

	for (i = unit_below(12); i; i--)
		strcat(text, parts[unit_below(sizeof(parts) / sizeof(parts[0]))]);
	if (!parse(&history, text))
		begin(&history);
	add(&history, "p", NULL, 8, BEFORE);
	CHECK(history.nr_ranges >= 1 && !history_owner(&history.ranges[0], 9));
	history_free(&history);
}

int main(int argc, char **argv)
{
	unsigned long cases = argc > 1 ? strtoul(argv[1], NULL, 0) : 1000000;

	CHECK(mkdtemp(folder));
	kept();
	unknown_keys();
	settled();
	settled_as_lost();
	settled_before();
	settled_in_part();
	damaged();
	each_step();
	unreadable();
	mounts();
	one_writer();
	for (unit_case = 0; unit_case < cases / 10; unit_case++)
		random_text();
	CHECK(!rmdir(folder));
	printf("history: a crash at each step, and %lu random texts\n", cases / 10);
	return 0;
}
