// SPDX-License-Identifier: GPL-2.0
/*
 * Conversion replaces LVM's "linear" table, which has a line for each segment, by one line of
 * "daxlinear".  It must be one line, because the target bridges copy-on-write from one segment to
 * the next only within a line.
 *
 * LVM must never find our table loaded but not live: it would resume that table instead of its
 * own.  So a table is converted only while LVM is held off, by the udev cookie or by the lock of
 * the volume group.  If the converter is killed, another process clears the loaded table: the next
 * command of the udev rule, or the second process of convert_guarded().
 */
#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/alloc.h"
#include "device/line.h"
#include "device/lock.h"
#include "lvm/convert.h"
#include "util/say.h"

#define TARGET_LVMS	"linear"

/* Read the live table as one line. Returns false unless all targets are linear, or all are ours. */
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

/* Clear a table of ours that is loaded and not live: its converter was killed. */
void convert_tidy(const struct volume *volume)
{
	struct table table;

	if (dm_table_number(volume->mapped.dev, true, &table) &&
	    table_is_all(&table, TARGET_OURS)) {
		note("%s: clearing the table of a conversion that was killed", volume->name);
		dm_clear_number(volume->mapped.dev);
	}
	table_free(&table);
}

/**
 * convert - convert the live table of a volume to one line of ours
 * @volume: The volume.  The caller keeps LVM commands from changing it.
 *
 * A table with other targets than LVM's "linear" or ours stays as it is.
 *
 * Return: Whether the table is converted now; if not, the reason was reported.
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
		note("%s stays as it is: only a live table of linear targets can be converted",
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
			note("%s was changed by another process meanwhile", volume->name);
	}
free:
	free(now.name);
	free(now.uuid);
	table_free(&table);
	table_free(&wanted);
	layout_free(&line.layout);
	return converted;
}

/* The same, with a second process that shares the lock and clears the table if we are killed. */
bool convert_guarded(const struct volume *volume)
{
	int ends[2];
	bool done;
	pid_t pid;
	char byte;

	if (pipe(ends))
		die(EXIT_FAILED, "cannot make a pipe: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		die(EXIT_FAILED, "cannot start a process: %s", strerror(errno));
	if (!pid) {
		hold_signals();
		/* Wait until the other end is closed, by close() or by the end of that process. */
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
