// SPDX-License-Identifier: GPL-2.0
/* The record of failures of a child, read while it changes, and any text in its files. */
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "../../tools/health/record.h"
#include "../../tools/util/alloc.h"
#include "unit.h"

#define FOLDER	"/sys/class/dax-holder/pmem1/"

/* The files of the child, one set for each value of seq; the last one stays. */
static struct files {
	const char *seq, *record, *events, *failures, *overflow, *gone;
} files[3];
static size_t nr_files, now;

/* Instead of that of sys/sysfs.c. The record changes with each read of the events. */
char *read_text(const char *format, ...)
{
	const struct files *set = &files[now];
	const char *text = NULL, *name;
	va_list arguments;
	char *path;

	va_start(arguments, format);
	path = format_arguments(format, arguments);
	va_end(arguments);
	CHECK(!strncmp(path, FOLDER, strlen(FOLDER)));
	name = path + strlen(FOLDER);
	if (!strcmp(name, "seq"))
		text = set->seq;
	else if (!strcmp(name, "record"))
		text = set->record;
	else if (!strcmp(name, "events"))
		text = set->events;
	else if (!strcmp(name, "failures"))
		text = set->failures;
	else if (!strcmp(name, "overflow"))
		text = set->overflow;
	else if (!strcmp(name, "gone"))
		text = set->gone;
	else
		CHECK(!"a file that the kernel does not have");
	if (!strcmp(name, "events") && now + 1 < nr_files)
		now++;
	free(path);
	return text ? copy_text(text) : NULL;
}

/* Likewise. No folder is listed here that would have one. */
bool device_number(const char *text, dev_t *dev)
{
	CHECK(!text || !dev);
	return false;
}

/* Likewise. No disk is asked for here by its number. */
bool block_exists(dev_t dev)
{
	CHECK(!dev);
	return false;
}

char *block_name(dev_t dev)
{
	CHECK(!dev);
	return NULL;
}

char *block_path(dev_t dev)
{
	CHECK(!dev);
	return NULL;
}

static bool read_files(struct record *record, size_t nr)
{
	nr_files = nr;
	now = 0;
	return record_read(record, "pmem1");
}

static void whole(void)
{
	struct record record;

	files[0] = (struct files){
		.seq = "7", .record = "8 8\n4096 1024", .failures = "3", .overflow = "1",
		.gone = "1", .events = "2 1700000000000000000 8 8 handled -\n"
				       "5 1700000000000000001 4096 1024 -5 soft,overflow\n"
				       "6 1700000000000000002 0 0 handled gone",
	};
	CHECK(read_files(&record, 1));
	CHECK(!strcmp(record.disk, "pmem1") && record.seq == 7 && record.failures == 3);
	CHECK(record.overflow == 1 && record.gone);
	CHECK(record.nr_ranges == 2 && record.ranges[1].sector == 4096);
	CHECK(record.ranges[1].sectors == 1024);
	CHECK(record.nr_events == 3 && record.events[0].seq == 2);
	CHECK(record.events[1].time_ns == 1700000000000000001);
	CHECK(!strcmp(record.events[1].result, "-5"));
	CHECK(record_event_has(&record.events[1], "soft"));
	CHECK(record_event_has(&record.events[1], "overflow"));
	CHECK(!record_event_has(&record.events[1], "over"));
	CHECK(!record_event_has(&record.events[1], "gone"));
	CHECK(record_event_has(&record.events[2], "gone") && !record.events[2].sectors);
	CHECK(!record_lost_events(&record));
	record.failures = 10;
	CHECK(record_lost_events(&record) == 7);
	record_free(&record);
	CHECK(!record.nr_ranges && !record.nr_events);
}

/* An earlier module has no files; the folder may be that of an attached device. */
static void none(void)
{
	struct record record;

	files[0] = (struct files){ 0 };
	CHECK(!read_files(&record, 1));
	CHECK(!record.nr_ranges && !record.nr_events && !record.failures && !record.gone);
	record_free(&record);
}

/* What changes while it is read is read again; what disappears keeps what was read. */
static void changing(void)
{
	struct record record;

	files[0] = (struct files){
		.seq = "1", .record = "8 8", .events = "1 5 8 8 pending -",
		.failures = "1", .overflow = "0", .gone = "0",
	};
	files[1] = (struct files){
		.seq = "2", .record = "8 8", .events = "1 5 8 8 handled -",
		.failures = "1", .overflow = "0", .gone = "0",
	};
	files[2] = (struct files){
		.seq = "3", .record = "8 8\n32 8",
		.events = "1 5 8 8 handled -\n3 6 32 8 pending -",
		.failures = "2", .overflow = "0", .gone = "0",
	};
	CHECK(read_files(&record, 3));
	CHECK(record.seq == 3 && record.failures == 2 && record.nr_ranges == 2);
	CHECK(record.nr_events == 2 && !strcmp(record.events[0].result, "handled"));
	record_free(&record);
	files[1] = (struct files){ 0 };
	CHECK(read_files(&record, 2));
	CHECK(record.seq == 1 && record.nr_ranges == 1 && record.nr_events == 1);
	record_free(&record);
}

/* A later module may write more in a line. What is no line of the form is left out. */
static void random_text(void)
{
	static const char * const parts[] = {
		" ", "\n", "8", "8 8", "18446744073709551615", "-", "-5", "x", "handled", "\t",
		"1 2 3 4 handled gone\n", "9 9 9 9 a-result-that-is-longer-than-its-room -\n",
		"1 2 3 4 unused - more\n", "99999999999999999999999 1\n", ",", "gone,,soft",
	};
	char text[2][800] = { "", "" };
	struct record record;
	size_t i, j;

	for (i = 0; i < 2; i++)
		for (j = unit_below(16); j; j--)
			strcat(text[i], parts[unit_below(sizeof(parts) / sizeof(parts[0]))]);
	files[0] = (struct files){
		.seq = "1", .record = text[0], .events = text[1], .failures = text[1],
		.overflow = text[0], .gone = text[1],
	};
	CHECK(read_files(&record, 1));
	for (i = 0; i < record.nr_events; i++) {
		CHECK(memchr(record.events[i].result, 0, sizeof(record.events[i].result)));
		CHECK(memchr(record.events[i].flags, 0, sizeof(record.events[i].flags)));
		record_event_has(&record.events[i], "gone");
	}
	record_free(&record);
}

int main(int argc, char **argv)
{
	unsigned long cases = argc > 1 ? strtoul(argv[1], NULL, 0) : 1000000;

	whole();
	none();
	changing();
	for (unit_case = 0; unit_case < cases / 10; unit_case++)
		random_text();
	printf("record: %lu random texts are read\n", cases / 10);
	return 0;
}
