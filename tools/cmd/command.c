// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdio.h>

#include "util/alloc.h"
#include "cmd/command.h"
#include "util/say.h"
#include "util/size.h"

static const struct command *current;

/* Print the help of a command. */
static void command_help(const struct command *command)
{
	printf("daxlinear %s %s\n\n%s.\n\n%s", command->name, command->arguments, command->what,
	       command->help);
}

/* Run a command; argv[0] is its name. */
int command_run(const struct command *command, int argc, char **argv)
{
	current = command;
	say_begin(format_text("daxlinear %s", command->name));
	return command->run(argc, argv);
}

/* Exit because the command line is wrong, and name the help. */
void usage(const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	text = format_arguments(format, arguments);
	va_end(arguments);
	die(EXIT_USAGE, "%s; see daxlinear %s --help", text, current->name);
}

/**
 * next_option - take the next word off the command line
 * @argc: As main() has it.
 * @argv: Likewise.
 * @options: The command's, as of getopt_long(). --help is everybody's.
 *
 * Return: The option's value, ARGUMENT, or -1 at the end.
 */
int next_option(int argc, char **argv, const struct option *options)
{
	static bool only_arguments;
	int option = -1;

	/* In order, so that an option can belong to the argument before it; errors are ours. */
	if (!only_arguments)
		option = getopt_long(argc, argv, "-:h", options, NULL);
	switch (option) {
	case 'h':
		command_help(current);
		exit(EXIT_DONE);
	case '?':
		usage("\"%s\" is no option", argv[optind - 1]);
	case ':':
		usage("%s wants a value", argv[optind - 1]);
	case -1:
		/* After a lone --, getopt_long() called again would start over, at options. */
		only_arguments = true;
		if (optind == argc || current->takes_rest)
			return -1;
		optarg = argv[optind++];
		return ARGUMENT;
	}
	return option;
}

/* The size that an option was given. */
uint64_t size_option(const char *option, const char *text)
{
	uint64_t bytes;
	const char *wrong = size_parse(text, &bytes);

	if (wrong)
		usage("%s: \"%s\" %s", option, text, wrong);
	return bytes;
}

/* Take optarg for the one argument of a kind. */
void one_argument(const char **where, const char *what)
{
	if (*where)
		usage("give one %s: there are \"%s\" and \"%s\"", what, *where, optarg);
	*where = optarg;
}

/**
 * name_and_option - read the command line of a command that takes a NAME and one option
 * @argc: As main() has it.
 * @argv: Likewise.
 * @options: The command's.
 * @given: Set to the value of the option, or to "" if it takes none; NULL if it is not there.
 *
 * Return: The name.
 */
const char *name_and_option(int argc, char **argv, const struct option *options,
			    const char **given)
{
	const char *name = NULL;
	int option;

	*given = NULL;
	while ((option = next_option(argc, argv, options)) != -1) {
		if (option == ARGUMENT)
			one_argument(&name, "NAME");
		else
			*given = optarg ?: "";
	}
	if (!name)
		usage("give a NAME");
	return name;
}
