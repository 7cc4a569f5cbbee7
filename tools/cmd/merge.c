// SPDX-License-Identifier: GPL-2.0
/* daxlinear merge: joins the lines of a table into one. */
#include <stdio.h>
#include <string.h>

#include "device/change.h"
#include "cmd/command.h"
#include "device/lock.h"
#include "util/say.h"

static const struct option options[] = {
	{ "dry-run", no_argument, NULL, 'n' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

/* Return whether this table is loaded, but not live, as a merge that was killed leaves it. */
static bool is_loaded(const struct mapped *mapped, const struct table *table)
{
	const struct target *wanted = table->targets, *loaded;
	struct table other;
	bool same;

	dm_table_number(mapped->dev, true, &other);
	loaded = other.targets;
	same = other.nr == 1 && loaded->len_sectors == wanted->len_sectors &&
	       !strcmp(loaded->type, wanted->type) && !strcmp(loaded->params, wanted->params);
	table_free(&other);
	return same;
}

static int run(int argc, char **argv)
{
	const char *name, *dry_run;
	struct mapped mapped;
	struct table table;
	struct line line;
	size_t nr;

	name = name_and_option(argc, argv, options, &dry_run);
	dm_begin();
	if (!dry_run)
		lock_changes();
	mapped = dm_device(name);
	nr = change_read(&line, &mapped);
	if (nr == 1) {
		printf("%s is one line already\n", mapped.name);
		return EXIT_DONE;
	}
	table = line_table(&line);
	if (mapped.inactive && !is_loaded(&mapped, &table))
		die(EXIT_FAILED, "%s has a table that is loaded and not live: dmsetup clear %s drops it, dmsetup resume %s makes it live",
		    mapped.name, mapped.name, mapped.name);
	if (dry_run) {
		change_print(&mapped, &table);
		return EXIT_DONE;
	}
	change_table(&mapped, &table);
	printf("%s is one line now, of %zu ranges; it was %zu\n", mapped.name, line.layout.nr, nr);
	return EXIT_DONE;
}

const struct command command_merge = {
	.name = "merge",
	.arguments = "[--dry-run] NAME",
	.what = "Make the lines of a device's table one, while it is in use",
	.help =
"No data moves. Within a line, the target handles copy-on-write across children; across\n"
"the end of a line, the kernel's copy-on-write mixes data. The counters of the first\n"
"line continue, and those of the others end.\n\n"
"  --dry-run  print the dmsetup commands that would do it, and do nothing\n",
	.run = run,
};
