// SPDX-License-Identifier: GPL-2.0
/*
 * dax-cow: does I/O on files of a filesystem and compares them with a model in
 * memory.
 *
 *	dax-cow FOLDER [NUMBER]
 *
 * Takes steps from its standard input, a line each, on files of FOLDER.  Numbers
 * are bytes.
 *
 *	write FILE OFFSET LENGTH	write(), in one call
 *	direct FILE OFFSET LENGTH	the same with O_DIRECT
 *	store FILE OFFSET LENGTH	the same through a shared mapping
 *	read FILE OFFSET LENGTH		read() and compare
 *	load FILE			compare all of it through a mapping
 *	check				compare all of all files
 *	clone FILE NEW			share all blocks with a new file
 *	copy FILE OFFSET LENGTH OTHER OFFSET
 *					write to OTHER what FILE holds, sharing nothing
 *	dedupe FILE OFFSET LENGTH OTHER OFFSET
 *					share blocks if they are equal; prints "same" or
 *					"differs"
 *	reserve FILE OFFSET LENGTH	allocate blocks
 *	unshare FILE OFFSET LENGTH	share no block with another file
 *	zero FILE OFFSET LENGTH		have zeroes there
 *	punch FILE OFFSET LENGTH	have a hole there
 *	truncate FILE LENGTH
 *	sync FILE			fsync()
 *	kill FILE OFFSET LENGTH USECS	write(), killed after so long: each block has to be
 *					the old or the new one
 *	crowd FILE PROCESSES ROUNDS LENGTH
 *					each process writes to a clone of its own, at random,
 *					up to LENGTH, and compares
 *	hog LEFT			a process takes all memory but this
 *	mark				prints "mark": all steps before are done
 *
 * Each byte that is written names its step and its offset.  Steps are counted from
 * NUMBER, or from 0: with another NUMBER, what another process has written is
 * recognized as such.  The first comparison that fails prints what is where, a line
 * each, and ends the program with 1.
 *
 * A step that fails ends the program with 2.  Before a step, "fails" says that it
 * has to, and "may" that it may: then its result and its errno are printed.  What
 * a write() did not do has to be as it was.
 */
#define _GNU_SOURCE
#include <err.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pattern.h"
#include "steps.h"

#define MAX_WORDS	8

static size_t parse_number(const char *word, unsigned int step)
{
	char *end;
	unsigned long long number = strtoull(word, &end, 0);

	if (!*word || *end || number >= ROOM)
		errx(EXIT_FAILED, "step %u: %s is no number below %lu", step, word, ROOM);
	return number;
}

static int64_t run_step(char **words, unsigned int number)
{
	const struct command *command = find_command(*words);
	struct step step = { .number = number };
	const char *kind;

	if (!command)
		errx(EXIT_FAILED, "step %u: no such step: %s", number, *words);
	for (kind = command->words; *kind; kind++) {
		if (!*++words)
			errx(EXIT_FAILED, "step %u: %s wants more words", number, command->name);
		switch (*kind) {
		case 'f':
			step.file = model_file(*words);
			break;
		case 'o':
			step.other = model_file(*words);
			break;
		case 'p':
			step.offset = parse_number(*words, number);
			break;
		case 'l':
			step.length = parse_number(*words, number);
			break;
		case 'q':
			step.other_offset = parse_number(*words, number);
			break;
		}
	}
	return command->run(&step);
}

/* Whether a result is less than what was asked for: only those that move data return a length. */
static bool is_short(char **words, int64_t result, unsigned int number)
{
	static const char * const moving[] = { "write", "direct", "store", "read", "copy",
						"dedupe" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(moving); i++) {
		if (!strcmp(words[0], moving[i]))
			return result != (int64_t)parse_number(words[3], number);
	}
	return false;
}

static void take_step(char *line, unsigned int number)
{
	char *words[MAX_WORDS + 2] = { 0 };
	unsigned int nr = 0, skip = 0;
	bool must = false, may = false;
	int64_t result;
	char *word;

	for (word = strtok(line, " \n"); word && nr < MAX_WORDS; word = strtok(NULL, " \n"))
		words[nr++] = word;
	if (!nr)
		return;
	must = !strcmp(words[0], "fails");
	may = !strcmp(words[0], "may");
	skip = must || may;
	if (!words[skip])
		errx(EXIT_FAILED, "step %u: which?", number);

	result = run_step(words + skip, number);
	if (may || must)
		printf("%s %" PRId64 " %s\n", words[skip], result,
		       result < 0 ? strerrorname_np(-result) : "ok");
	if (must && result >= 0 && !is_short(words + skip, result, number))
		errx(EXIT_FAILED, "step %u: %s has not failed", number, words[skip]);
	if (!must && !may && (result < 0 || is_short(words + skip, result, number)))
		errx(EXIT_FAILED, "step %u: %s %s: %s", number, words[0],
		     words[1] ? words[1] : "",
		     result < 0 ? strerror(-result) : "did less than it should");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	unsigned int number = 0;
	char line[200];

	if (argc != 2 && argc != 3)
		errx(EXIT_FAILED, "usage: dax-cow FOLDER [NUMBER]");
	if (argc == 3)
		number = parse_number(argv[2], 0);
	if (chdir(argv[1]))
		err(EXIT_FAILED, "%s", argv[1]);
	model_init();
	while (fgets(line, sizeof(line), stdin)) {
		take_step(line, ++number);
	}
	return EXIT_SUCCESS;
}
