// SPDX-License-Identifier: GPL-2.0
/* daxlinear monitor: alert about what becomes bad, as it does. */
#include <stdio.h>

#include "util/alloc.h"
#include "cmd/command.h"
#include "device/dm.h"
#include "util/clock.h"
#include "util/json.h"
#include "util/say.h"
#include "watch/watch.h"

enum { TEST = 't' };

static const struct option options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "test", no_argument, NULL, TEST },
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

static bool json;

/* At once, as a reader of the pipe waits for it. */
static void print(const struct alert *alert)
{
	char *time;

	if (json) {
		json_print_line(alert->json);
	} else {
		time = clock_text(alert->time_ns);
		printf("%s %s\n", time, alert->text);
		free(time);
	}
	fflush(stdout);
}

static int run(int argc, char **argv)
{
	struct watch_options watched = { .print = print };
	const char **names = NULL;
	bool test = false;
	dev_t *devs = NULL;
	size_t nr = 0, i;
	int option;

	while ((option = next_option(argc, argv, options)) != -1) {
		json |= option == 'j';
		test |= option == TEST;
		if (option != ARGUMENT)
			continue;
		names = grow(names, nr, sizeof(*names));
		names[nr++] = optarg;
	}
	if (test && nr)
		usage("--test takes no NAME: there is \"%s\"", names[0]);
	dm_begin();
	for (i = 0; i < nr; i++) {
		devs = grow(devs, i, sizeof(*devs));
		devs[i] = dm_device(names[i]).dev;
	}
	watched.devs = devs;
	watched.nr = nr;
	if (test)
		return watch_test(print) ? EXIT_DONE : EXIT_FAILED;
	if (!watch(&watched))
		die(EXIT_FAILED, "another daxlinear monitor watches all devices already: journalctl -f -t daxlinear follows it, and with a NAME this command prints as well");
	note(nr > 1 ? "all of them are gone" : "%s is gone", names[0]);
	return EXIT_DONE;
}

const struct command command_monitor = {
	.name = "monitor",
	.arguments = "[--json] [--test | NAME ...]",
	.what = "Wait for memory failures, and alert about each",
	.help =
"Without a NAME, watches all devices, those that come later too: an alert is printed,\n"
"written to the journal, and given to the programs in /etc/daxlinear/alert.d. What has\n"
"failed while no monitor was running comes first. It also alerts about mounts that do\n"
"not protect their data. daxlinear-monitor.service runs it; there can be one only.\n"
"With NAMEs, only prints alerts of these devices, until they are removed.\n\n"
"  --json  for programs: an object a line\n"
"  --test  send one alert, which says that it is a test, down every way\n",
	.run = run,
};
