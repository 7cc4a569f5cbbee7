// SPDX-License-Identifier: GPL-2.0
/* daxlinear show: draws a device. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cmd/command.h"
#include "device/dm.h"
#include "show/picture.h"
#include "util/say.h"

/* Used when stdout is no terminal. */
#define COLUMNS_ELSEWHERE	100

static const struct option options[] = {
	{ "svg", required_argument, NULL, 's' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

static int terminal_columns(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_col)
		return COLUMNS_ELSEWHERE;
	return size.ws_col;
}

static void write_svg(const struct picture *picture, const char *path)
{
	FILE *file = fopen(path, "we");

	if (!file)
		die(EXIT_FAILED, "%s: %s", path, strerror(errno));
	picture_svg(picture, file);
	if (ferror(file) | fclose(file)) {
		unlink(path);
		die(EXIT_FAILED, "%s could not be written", path);
	}
}

static int run(int argc, char **argv)
{
	const char *name, *svg;
	const struct device *device;
	struct picture picture;
	struct mapped mapped;
	struct stack stack;

	name = name_and_option(argc, argv, options, &svg);
	dm_begin();
	mapped = dm_device(name);
	stack_read(&stack);
	device = stack_find(&stack, mapped.dev);
	if (!device || !device->table.nr)
		die(EXIT_FAILED, "%s has no table", name);
	picture_make(&picture, &stack, device);
	if (svg)
		write_svg(&picture, svg);
	else
		picture_print(&picture, terminal_columns());
	return EXIT_DONE;
}

const struct command command_show = {
	.name = "show",
	.arguments = "[--svg FILE] NAME",
	.what = "Draw a device: its children to scale, allocation groups, what is bad",
	.help =
"  --svg FILE  into a file, as a picture\n",
	.run = run,
};
