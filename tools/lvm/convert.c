// SPDX-License-Identifier: GPL-2.0
/*
 * LVM loads "linear" tables, a line for each segment.  They become one line of
 * ours, because only within a line does a target see copy-on-write go from one
 * segment into the next.  What LVM must never meet is a table of ours that is
 * loaded and not live: it would take it for its own and make it live in the
 * place of what it was asked for.  So whoever converts has LVM's command wait,
 * in its udev cookie or by the lock of the volume group, and somebody else looks
 * after him in case he is killed.
 */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/alloc.h"
#include "device/line.h"
#include "device/lock.h"
#include "lvm/convert.h"
#include "util/say.h"

#define TARGET_LVMS	"linear"

/* Read the live table as one line; false unless it is all LVM's linear, or ours. */
static bool read_live(const struct volume *volume, struct table *table, struct line *line)
{
	struct layout layout = { 0 };
	bool known;
	size_t i;

	*line = (struct line){ 0 };
	known = dm_table_number(volume->mapped.dev, false, table) &&
		(table_is_all(table, TARGET_OURS) || table_is_all(table, TARGET_LVMS));
	layout_read(&layout, table);
	known = known && !layout_unknown(&layout);
	for (i = 0; i < layout.nr && known; i++)
		line_add(line, layout.segments[i].dev, layout.segments[i].offset_sectors,
			 layout.segments[i].len_sectors);
	layout_free(&layout);
	return known;
}

static bool is_one_line(const struct table *table)
{
	return table->nr == 1 && table_is_all(table, TARGET_OURS);
}

bool is_converted(const struct volume *volume)
{
	struct table table;
	bool is = dm_table_number(volume->mapped.dev, false, &table) && is_one_line(&table);

	table_free(&table);
	return is;
}

bool is_convertible(const struct volume *volume)
{
	struct table table;
	struct line line;
	bool is = read_live(volume, &table, &line) && !is_one_line(&table);

	table_free(&table);
	layout_free(&line.layout);
	return is;
}

/* Drop a table of ours that is loaded and not live: its maker was killed. */
void convert_tidy(const struct volume *volume)
{
	struct table table;

	if (dm_table_number(volume->mapped.dev, true, &table) &&
	    table_is_all(&table, TARGET_OURS)) {
		note("%s: dropping what is left of a conversion that was cut short", volume->name);
		dm_clear_number(volume->mapped.dev);
	}
	table_free(&table);
}

/**
 * convert - make the live table of a volume ours
 * @volume: The volume; no LVM command changes it meanwhile.
 *
 * A volume whose table is not LVM's plain "linear", nor lines of ours, stays as it is.
 *
 * Return: Whether it is converted now; if not, the user was told why.
 */
bool convert(const struct volume *volume)
{
	struct table table = { 0 }, wanted = { 0 };
	struct line line = { 0 };
	struct mapped now = { 0 };
	bool known, converted;

	convert_tidy(volume);
	known = dm_find_number(volume->mapped.dev, &now) && read_live(volume, &table, &line);
	converted = known && is_one_line(&table);
	if (converted)
		goto free;
	if (!known || now.suspended || now.inactive) {
		note("%s stays as it is: only what is live and linear can be converted",
		     volume->name);
		goto free;
	}
	wanted = line_table(&line);
	hold_signals();
	converted = !dm_swap(&now, &wanted);
	if (!converted) {
		note("%s stays as it is: %s", volume->name, dm_last_error());
		convert_tidy(volume);
	}
	let_signals();
	if (converted) {
		table_free(&table);
		converted = dm_table_number(now.dev, false, &table) && is_one_line(&table) &&
			    !strcmp(table.targets->params, wanted.targets->params);
		if (!converted)
			note("%s was changed by somebody else meanwhile", volume->name);
	}
free:
	free(now.name);
	free(now.uuid);
	table_free(&table);
	table_free(&wanted);
	layout_free(&line.layout);
	return converted;
}

/* The same, where nobody tidies up after us but whoever shares our lock. */
bool convert_guarded(const struct volume *volume)
{
	int ends[2];
	bool done;
	pid_t pid;
	char byte;

	if (pipe(ends))
		die(EXIT_FAILED, "no pipe could be made");
	pid = fork();
	if (pid < 0)
		die(EXIT_FAILED, "no process could be started");
	if (!pid) {
		hold_signals();
		/* Until the other end is closed, however that comes. */
		close(ends[1]);
		while (read(ends[0], &byte, 1) > 0)
			;
		convert_tidy(volume);
		_exit(EXIT_DONE);
	}
	done = convert(volume);
	close(ends[1]);
	close(ends[0]);
	waitpid(pid, NULL, 0);
	return done;
}
