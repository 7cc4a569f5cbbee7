// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "util/alloc.h"
#include "util/progress.h"
#include "util/run.h"
#include "util/say.h"

extern char **environ;

void words_add(struct words *words, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	words->words = grow(words->words, words->nr, sizeof(char *));
	words->words[words->nr++] = format_arguments(format, arguments);
	va_end(arguments);
	words->words = grow(words->words, words->nr, sizeof(char *));
	words->words[words->nr] = NULL;
}

static bool is_plain(const char *word)
{
	while (isalnum((unsigned char)*word) || (*word && strchr("-_=+,./:@%", *word)))
		word++;
	return !*word;
}

/* Print a command, quoted for a shell. */
void words_print(const struct words *words)
{
	const char *c;
	size_t i;

	for (i = 0; i < words->nr; i++) {
		if (i)
			putchar(' ');
		if (words->words[i][0] && is_plain(words->words[i])) {
			fputs(words->words[i], stdout);
			continue;
		}
		putchar('\'');
		for (c = words->words[i]; *c; c++)
			fputs(*c == '\'' ? "'\\''" : (char[]){ *c, '\0' }, stdout);
		putchar('\'');
	}
	putchar('\n');
}

/* Run a command and wait for it; whether it succeeded.  The command prints its own errors. */
bool run_program(const struct words *words)
{
	int status, err;
	pid_t pid;

	fflush(stdout);
	err = posix_spawnp(&pid, words->words[0], NULL, NULL, words->words, environ);
	if (err) {
		note("%s: %s", words->words[0], strerror(err));
		return false;
	}
	while (!waitpid(pid, &status, progress_on_terminal() ? WNOHANG : 0))
		progress_wait(words->words[0]);
	progress_end();
	return WIFEXITED(status) && !WEXITSTATUS(status);
}
