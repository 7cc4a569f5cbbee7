/* SPDX-License-Identifier: GPL-2.0 */
/* Each command is a file, which defines a struct command, and has an entry in main.c. */
#ifndef COMMAND_H
#define COMMAND_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

/**
 * struct command - one of daxlinear's commands
 * @name: What it is called by.
 * @arguments: What follows, as its help has it.
 * @what: What it does, in a line.
 * @help: More of that, and its options.
 * @takes_rest: What follows a lone -- is for it to look at, from argv[optind] on.
 * @run: Does it. Returns the exit code.
 */
struct command {
	const char *name;
	const char *arguments;
	const char *what;
	const char *help;
	bool takes_rest;
	int (*run)(int argc, char **argv);
};

extern const struct command command_assemble;
extern const struct command command_attach;
extern const struct command command_check;
extern const struct command command_create;
extern const struct command command_damage;
extern const struct command command_detach;
extern const struct command command_drill;
extern const struct command command_extend;
extern const struct command command_label;
extern const struct command command_lvm;
extern const struct command command_members;
extern const struct command command_merge;
extern const struct command command_mkfs;
extern const struct command command_monitor;
extern const struct command command_release;
extern const struct command command_remove;
extern const struct command command_rename;
extern const struct command command_repair;
extern const struct command command_replace;
extern const struct command command_show;
extern const struct command command_resolve;
extern const struct command command_status;
extern const struct command command_tab;

/* What next_option() returns for an argument that is no option, optarg. */
#define ARGUMENT	1

int command_run(const struct command *command, int argc, char **argv);
int next_option(int argc, char **argv, const struct option *options);
uint64_t size_option(const char *option, const char *text);
void usage(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
void one_argument(const char **where, const char *what);
const char *name_and_option(int argc, char **argv, const struct option *options,
			    const char **given);

#endif
