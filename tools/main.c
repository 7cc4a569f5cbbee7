// SPDX-License-Identifier: GPL-2.0
/* daxlinear: make and maintain devices of dm-daxlinear. */
#include <stdio.h>
#include <string.h>

#include "cmd/command.h"
#include "util/say.h"

static const struct command * const commands[] = {
	&command_assemble,
	&command_attach,
	&command_check,
	&command_create,
	&command_damage,
	&command_detach,
	&command_drill,
	&command_extend,
	&command_label,
	&command_lvm,
	&command_members,
	&command_merge,
	&command_mkfs,
	&command_monitor,
	&command_release,
	&command_remove,
	&command_rename,
	&command_repair,
	&command_replace,
	&command_resolve,
	&command_show,
	&command_status,
	&command_tab,
};

#define NR_COMMANDS	(sizeof(commands) / sizeof(commands[0]))

static void help(FILE *file)
{
	size_t i;

	fputs("daxlinear COMMAND ...\n"
	      "daxlinear --version\n\n"
	      "Makes and maintains devices that join persistent memory and forward its failures.\n\n",
	      file);
	for (i = 0; i < NR_COMMANDS; i++)
		fprintf(file, "  %-8s  %s\n", commands[i]->name, commands[i]->what);
	fputs("\nEach command has a --help of its own. See also daxlinear(8).\n", file);
}

static const struct command *find(const char *name)
{
	size_t i;

	for (i = 0; i < NR_COMMANDS; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

static int run(int argc, char **argv)
{
	const struct command *command;

	if (argc < 2) {
		help(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		help(stdout);
		return EXIT_DONE;
	}
	if (!strcmp(argv[1], "--version")) {
		puts("daxlinear " DAXLINEAR_VERSION);
		return EXIT_DONE;
	}
	command = find(argv[1]);
	if (!command)
		die(EXIT_USAGE, "there is no command \"%s\"; see daxlinear --help", argv[1]);
	return command_run(command, argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	int code = run(argc, argv);

	/* Fail if the results could not be written. */
	if (fflush(stdout) || ferror(stdout))
		die(EXIT_FAILED, "standard output: cannot be written to");
	return code;
}
