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
#include <libdevmapper.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/alloc.h"
#include "device/line.h"
#include "device/lock.h"
#include "lvm/convert.h"
#include "util/say.h"

#define TARGET_LVMS	"linear"

static struct dm_task *new_task(int kind, const struct volume *volume)
{
	struct dm_task *task = dm_task_create(kind);

	/* By number: it may be renamed meanwhile. */
	if (!task || !dm_task_set_major(task, major(volume->mapped.dev)) ||
	    !dm_task_set_minor(task, minor(volume->mapped.dev)))
		die(EXIT_FAILED, "device-mapper: %s", dm_last_error());
	return task;
}

/* Read one of the two tables; false if there is none. */
static bool read_table(const struct volume *volume, bool inactive, struct table *table,
		       struct dm_info *info)
{
	struct dm_task *task = new_task(DM_DEVICE_TABLE, volume);
	uint64_t start, len;
	char *type, *params;
	void *next = NULL;
	bool found;

	*table = (struct table){ 0 };
	if (inactive)
		dm_task_query_inactive_table(task);
	found = dm_task_run(task) && dm_task_get_info(task, info) && info->exists;
	while (found) {
		next = dm_get_next_target(task, next, &start, &len, &type, &params);
		if (type)
			table_add(table, start, len, type, params);
		if (!next)
			break;
	}
	dm_task_destroy(task);
	return table->nr;
}

/* Read the live table as one line; false unless it is all LVM's linear, or ours. */
static bool read_live(const struct volume *volume, struct table *table, struct line *line,
		      struct dm_info *info)
{
	struct layout layout = { 0 };
	bool known;
	size_t i;

	*line = (struct line){ 0 };
	known = read_table(volume, false, table, info) &&
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
	struct dm_info info;
	struct table table;
	bool is = read_table(volume, false, &table, &info) && is_one_line(&table);

	table_free(&table);
	return is;
}

bool is_convertible(const struct volume *volume)
{
	struct dm_info info;
	struct table table;
	struct line line;
	bool is = read_live(volume, &table, &line, &info) && !is_one_line(&table);

	table_free(&table);
	layout_free(&line.layout);
	return is;
}

static bool run_task(struct dm_task *task)
{
	bool done = dm_task_run(task);

	dm_task_destroy(task);
	return done;
}

/* Drop a table of ours that is loaded and not live: its maker was killed. */
void convert_tidy(const struct volume *volume)
{
	struct dm_info info;
	struct table table;

	if (read_table(volume, true, &table, &info) && table_is_all(&table, TARGET_OURS)) {
		note("%s: dropping what is left of a conversion that was cut short", volume->name);
		run_task(new_task(DM_DEVICE_CLEAR, volume));
	}
	table_free(&table);
}

/* Load the same mapping as one line of ours, and make it live, without any I/O in between. */
static bool swap(const struct volume *volume, const struct target *target,
		 const struct dm_info *info)
{
	struct dm_task *load = new_task(DM_DEVICE_RELOAD, volume), *resume;

	dm_task_add_target(load, target->start_sectors, target->len_sectors, target->type,
			   target->params);
	if (info->read_only)
		dm_task_set_ro(load);
	if (!run_task(load))
		return false;
	/*
	 * Nobody may wait for udev in a rule; and without a cookie, libdevmapper
	 * has udev drop the links to the device, unless it believes in no udev.
	 */
	dm_udev_set_sync_support(0);
	resume = new_task(DM_DEVICE_RESUME, volume);
	dm_task_skip_lockfs(resume);
	dm_task_no_flush(resume);
	return run_task(resume);
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
	struct table table, wanted = { 0 };
	struct dm_info info = { 0 };
	struct line line;
	bool known, converted;

	convert_tidy(volume);
	known = read_live(volume, &table, &line, &info);
	converted = known && is_one_line(&table);
	if (converted)
		goto free;
	if (!known || info.suspended || info.inactive_table) {
		note("%s stays as it is: only what is live and linear can be converted",
		     volume->name);
		goto free;
	}
	wanted = line_table(&line);
	hold_signals();
	converted = swap(volume, wanted.targets, &info);
	if (!converted) {
		note("%s stays as it is: %s", volume->name, dm_last_error());
		convert_tidy(volume);
	}
	let_signals();
	if (converted) {
		table_free(&table);
		converted = read_table(volume, false, &table, &info) && is_one_line(&table) &&
			    !strcmp(table.targets->params, wanted.targets->params);
		if (!converted)
			note("%s was changed by somebody else meanwhile", volume->name);
	}
free:
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
