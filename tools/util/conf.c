// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "util/alloc.h"
#include "util/conf.h"
#include "util/say.h"

#define BLANKS	" \t\r\n"

/* Write into a line to split it; false if it has another form. */
static bool take_line(char *line,
		      bool (*take)(void *data, const char *key, char **words, size_t nr),
		      void *data)
{
	char *rest = strchr(line, '='), *key, *word, **words = NULL;
	size_t nr = 0;
	bool taken;

	if (!rest)
		return false;
	*rest++ = '\0';
	key = strtok(line, BLANKS);
	if (!key || strtok(NULL, BLANKS))
		return false;
	for (word = strtok(rest, BLANKS); word; word = strtok(NULL, BLANKS)) {
		words = grow(words, nr, sizeof(char *));
		words[nr++] = word;
	}
	taken = take(data, key, words, nr);
	free(words);
	return taken;
}

/**
 * conf_read - read a configuration file, which may be missing
 * @path: The file.
 * @expected: What a line has to be, for the message about one that is not; such a line is ignored.
 * @take: Called for each line. Returns false, and has changed nothing, if it is not as expected.
 * @data: For @take.
 */
void conf_read(const char *path, const char *expected,
	       bool (*take)(void *data, const char *key, char **words, size_t nr), void *data)
{
	FILE *file = fopen(path, "re");
	unsigned int number = 0;
	char *line = NULL;
	size_t room = 0;

	if (!file && errno != ENOENT)
		note("%s: %s", path, strerror(errno));
	while (file && getline(&line, &room, file) >= 0) {
		number++;
		line[strcspn(line, "#")] = '\0';
		if (line[strspn(line, BLANKS)] && !take_line(line, take, data))
			note("%s:%u: expected %s; the line is ignored", path, number, expected);
	}
	free(line);
	if (file)
		fclose(file);
}
