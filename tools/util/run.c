// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
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

static bool spawn(const struct words *words, const posix_spawn_file_actions_t *actions)
{
	int status, err;
	pid_t pid;

	fflush(stdout);
	err = posix_spawnp(&pid, words->words[0], actions, NULL, words->words, environ);
	if (err) {
		note("%s: %s", words->words[0], strerror(err));
		return false;
	}
	while (!waitpid(pid, &status, progress_on_terminal() ? WNOHANG : 0))
		progress_wait(words->words[0]);
	progress_end();
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

/* Run a command and wait for it; whether it succeeded.  The command prints its own errors. */
bool run_program(const struct words *words)
{
	return spawn(words, NULL);
}

/* The same without what the command prints. */
bool run_quietly(const struct words *words)
{
	posix_spawn_file_actions_t actions;
	bool done;

	if (posix_spawn_file_actions_init(&actions))
		return false;
	done = !posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0) &&
	       !posix_spawn_file_actions_adddup2(&actions, 1, 2) && spawn(words, &actions);
	posix_spawn_file_actions_destroy(&actions);
	return done;
}

/* Run a command whose output goes to a file. */
bool run_into(const struct words *words, int fd)
{
	posix_spawn_file_actions_t actions;
	bool done;

	if (posix_spawn_file_actions_init(&actions))
		return false;
	done = !posix_spawn_file_actions_adddup2(&actions, fd, 1) && spawn(words, &actions);
	posix_spawn_file_actions_destroy(&actions);
	return done;
}
