// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's record of each child is the source, so what failed before this process began is as
 * good as what fails now.
 */
#include <errno.h>
#include <fcntl.h>
#include <libudev.h>
#include <string.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "device/dm.h"
#include "sys/nd.h"
#include "sys/sysfs.h"
#include "util/alloc.h"
#include "util/clock.h"
#include "util/say.h"
#include "watch/journal.h"
#include "watch/mounts.h"
#include "watch/watcher.h"

/* The hooks run when nothing has come for so long, or for the longer time after the first alert. */
#define SETTLE		(5 * SEC)
#define SETTLE_MAX	(60 * SEC)

/* A burst is looked at in pieces of this. */
#define COALESCE_MSEC	100

#define RETRY		(10 * SEC)

static void look_at_rest(struct watcher *watcher, struct watched *child,
			 const struct record *record)
{
	struct record_range *bad;
	size_t nr = read_badblocks(child->id.disk, &bad);

	take_rest(watcher, child, record->ranges, record->nr_ranges, "record", "unknown");
	publish_news(watcher);
	/* The driver lists most of what failed, too. */
	take_rest(watcher, child, bad, nr, "media", "media");
	publish_news(watcher);
	drop_good(watcher, child, record, bad, nr);
	free(bad);
}

static void look_at_children(struct watcher *watcher, bool rescan)
{
	struct children_list *list = &watcher->children;
	struct record *records;
	bool *complete;
	size_t i;

	if (children_update(list) || rescan)
		nd_forget();
	records = calloc(list->nr + 1, sizeof(*records));
	complete = calloc(list->nr + 1, sizeof(*complete));
	for (i = 0; records && complete && i < list->nr; i++) {
		struct watched *child = &list->children[i];
		bool changed = (rescan || !child->ready) &&
			       child_identify(child, &watcher->history, watcher->boot);

		child_arm(child);
		if (!record_read(&records[i], child->id.disk))
			continue;
		if (!child->ready)
			child_resume(child, &watcher->history, watcher->boot, &records[i],
				     is_global(watcher));
		if (changed || !child->ready)
			keep_child(watcher, child);
		child->ready = true;
		complete[i] = take_events(watcher, child, &records[i]);
	}
	publish_news(watcher);
	/* Repair notes what it puts into quarantine before the record loses it, as if good. */
	if (is_global(watcher))
		history_apply_settled(&watcher->history);
	for (i = 0; records && complete && i < list->nr; i++) {
		if (complete[i])
			look_at_rest(watcher, &list->children[i], &records[i]);
		record_free(&records[i]);
	}
	free(complete);
	free(records);
}

static bool is_watched(const struct watcher *watcher, dev_t dev)
{
	size_t i;

	for (i = 0; i < watcher->options->nr; i++)
		if (watcher->options->devs[i] == dev)
			return true;
	return is_global(watcher);
}

static void look_at_mounts(struct watcher *watcher)
{
	char **mounts = NULL, *mount;
	size_t nr_mounts = 0, nr, i, j;
	struct alert **alerts;
	struct stack stack;

	stack_read(&stack);
	for (i = 0; i < stack.nr; i++) {
		if (!is_watched(watcher, stack.devices[i].dev))
			continue;
		mount = mounted_as(watcher->boot, &stack.devices[i]);
		if (!mount)
			continue;
		mounts = grow(mounts, nr_mounts, sizeof(char *));
		mounts[nr_mounts++] = mount;
		if (history_has_mount(&watcher->history, mount))
			continue;
		alerts = mount_alerts(watcher->boot, &stack, &stack.devices[i], &nr);
		for (j = 0; j < nr; j++) {
			publish(watcher, alerts[j], true, true);
			alert_free(alerts[j]);
		}
		free(alerts);
		watcher->changed = true;
	}
	history_set_mounts(&watcher->history, mounts, nr_mounts);
	for (i = 0; i < nr_mounts; i++)
		free(mounts[i]);
	free(mounts);
	stack_free(&stack);
}

static void owe(struct json_object *list, const struct summary *summary, bool running)
{
	struct json_object *json;

	if (!summary->nr)
		return;
	json = summary_json(summary);
	put_bool(json, "running", running);
	add_object(list, json);
}

/* Enter in the history what the hooks have not ended for. */
static void keep_owed(struct watcher *watcher)
{
	struct json_object *list = history_new_owed(&watcher->history);

	owe(list, &watcher->running, true);
	owe(list, &watcher->summary, false);
}

/* Go on with what the hooks had not ended for when an earlier monitor did. */
static void resume_owed(struct watcher *watcher)
{
	struct json_object *list = history_owed(&watcher->history), *json;
	size_t i;

	for (i = 0; list && i < array_length(list); i++) {
		json = array_object(list, i);
		if (!json)
			continue;
		if (get_bool(json, "running") && !watcher->running.nr)
			summary_read(&watcher->running, json);
		else if (!watcher->summary.nr)
			summary_read(&watcher->summary, json);
	}
	watcher->first = clock_monotonic();
	watcher->last = watcher->first;
}

/* Save the history.  What cannot be saved is tried again, and nothing else waits for it. */
static void save(struct watcher *watcher)
{
	uint64_t now = clock_monotonic();

	if (!is_global(watcher) || now < watcher->retry_at)
		return;
	keep_owed(watcher);
	/* What repair has noted is saved with the rest; if that fails, both are tried again. */
	if (!history_settle(&watcher->history))
		watcher->changed = true;
	if (!watcher->changed)
		return;
	if (history_save(&watcher->history)) {
		if (watcher->save_err)
			note(HISTORY_FOLDER " is written again");
		watcher->changed = false;
		watcher->save_err = 0;
		watcher->retry_at = 0;
		return;
	}
	if (watcher->save_err != errno)
		note(HISTORY_FOLDER " cannot be written: %s; alerts go on, and what they are about is not known after a reboot",
		     strerror(errno));
	watcher->save_err = errno;
	watcher->retry_at = now + RETRY;
}

/* Whether the alerts that are waiting have settled. */
static bool are_settled(const struct watcher *watcher, uint64_t now)
{
	return watcher->summary.nr &&
	       (now - watcher->last >= SETTLE || now - watcher->first >= SETTLE_MAX);
}

/* Note that the hooks have ended.  Those that were killed are run again. */
static void end_hooks(struct watcher *watcher, uint64_t now)
{
	int status = 0;

	if (!watcher->hooks || !waitpid(watcher->hooks, &status, WNOHANG))
		return;
	watcher->hooks = 0;
	if (WIFSIGNALED(status)) {
		note("the hooks were killed by signal %d, and are run again", WTERMSIG(status));
		watcher->run_at = now + RETRY;
		return;
	}
	summary_free(&watcher->running);
	watcher->changed = true;
}

/* Run the hooks when the alerts have settled. */
static void step_hooks(struct watcher *watcher)
{
	uint64_t now = clock_monotonic();

	end_hooks(watcher, now);
	if (watcher->hooks || now < watcher->run_at)
		return;
	if (!watcher->running.nr) {
		if (!are_settled(watcher, now))
			return;
		watcher->running = watcher->summary;
		watcher->summary = (struct summary){ 0 };
		watcher->changed = true;
		/* If they have to be run again, then for the same alerts. */
		save(watcher);
	}
	watcher->hooks = hooks_start(&watcher->running);
	if (watcher->hooks >= 0)
		return;
	note("the hooks are not run yet: %s", strerror(errno));
	watcher->hooks = 0;
	watcher->run_at = now + RETRY;
}

static void sooner(uint64_t *first, uint64_t when)
{
	if (when < *first)
		*first = when;
}

/* How long poll() may wait. */
static int patience(const struct watcher *watcher)
{
	uint64_t now = clock_monotonic(), first = UINT64_MAX;
	size_t i;

	for (i = 0; i < watcher->children.nr; i++)
		if (watcher->children.children[i].pending)
			sooner(&first, watcher->children.children[i].until);
	if (watcher->retry_at && watcher->changed)
		sooner(&first, watcher->retry_at);
	if (watcher->hooks)
		sooner(&first, now + SEC / 5);
	else if (watcher->running.nr)
		sooner(&first, watcher->run_at);
	else if (watcher->summary.nr)
		sooner(&first, watcher->last + SETTLE < watcher->first + SETTLE_MAX ?
			       watcher->last + SETTLE : watcher->first + SETTLE_MAX);
	if (first == UINT64_MAX)
		return -1;
	return first < now ? 0 : (first - now) / MSEC + 1;
}

static bool drain(struct udev_monitor *udev)
{
	struct udev_device *device;
	bool any = false;

	while ((device = udev_monitor_receive_device(udev))) {
		udev_device_unref(device);
		any = true;
	}
	return any;
}

/* What has changed. */
struct changes {
	bool any;	/* and not only the time */
	bool devices;
	bool mounts;
};

static struct changes wait_for_changes(struct watcher *watcher)
{
	const struct children_list *list = &watcher->children;
	struct changes changes = { 0 };
	struct pollfd *fds;
	size_t nr = 0, i;

	fds = calloc(2 + 2 * list->nr, sizeof(*fds));
	if (!fds)
		die(EXIT_FAILED, "memory");
	fds[nr++] = (struct pollfd){ udev_monitor_get_fd(watcher->udev), POLLIN, 0 };
	fds[nr++] = (struct pollfd){ watcher->mountinfo, POLLPRI, 0 };
	for (i = 0; i < list->nr; i++) {
		fds[nr++] = (struct pollfd){ list->children[i].seq_fd, POLLPRI, 0 };
		fds[nr++] = (struct pollfd){ list->children[i].badblocks_fd, POLLPRI, 0 };
	}
	changes.any = poll(fds, nr, patience(watcher)) > 0;
	changes.mounts = fds[1].revents;
	free(fds);
	if (changes.any)
		poll(NULL, 0, COALESCE_MSEC);
	changes.devices = drain(watcher->udev);
	return changes;
}

static bool receive(struct udev_monitor *udev, const char *subsystem)
{
	return udev_monitor_filter_add_match_subsystem_devtype(udev, subsystem, NULL) >= 0;
}

static void open_sources(struct watcher *watcher)
{
	struct udev *udev = udev_new();

	/* The kernel's own messages, which come without udevd as well. */
	watcher->udev = udev ? udev_monitor_new_from_netlink(udev, "kernel") : NULL;
	if (!watcher->udev ||
	    !receive(watcher->udev, "dax-holder") || !receive(watcher->udev, "block") ||
	    udev_monitor_enable_receiving(watcher->udev) < 0)
		die(EXIT_FAILED, "the kernel's device events cannot be received: %s",
		    strerror(errno));
	watcher->mountinfo = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	if (watcher->mountinfo < 0)
		die(EXIT_FAILED, "/proc/self/mountinfo: %s", strerror(errno));
}

/* Whether one of the devices is there. */
static bool any_left(const struct watch_options *options)
{
	struct mapped mapped;
	size_t i;

	for (i = 0; i < options->nr; i++)
		if (dm_find_number(options->devs[i], &mapped)) {
			free(mapped.name);
			free(mapped.uuid);
			return true;
		}
	return !options->nr;
}

static char *boot_id(void)
{
	return read_text("/proc/sys/kernel/random/boot_id") ?: copy_text("unknown");
}

/**
 * watch - alert about what fails, until the devices are gone
 * @options: What to watch.
 *
 * Return: False at once if another process watches all devices.
 */
bool watch(const struct watch_options *options)
{
	struct watcher watcher = { .options = options, .boot = boot_id() };
	struct changes changes = { true, true, true };

	if (is_global(&watcher)) {
		if (!history_open(&watcher.history, HISTORY_FOLDER))
			return false;
		resume_owed(&watcher);
	} else {
		history_load(&watcher.history, HISTORY_FOLDER);
	}
	/* Before the first look, so that nothing is missed between the two. */
	open_sources(&watcher);
	while (any_left(options)) {
		look_at_children(&watcher, changes.devices);
		if (changes.devices || changes.mounts)
			look_at_mounts(&watcher);
		save(&watcher);
		step_hooks(&watcher);
		/* That they have ended. */
		save(&watcher);
		watcher.started = true;
		sd_notify(0, "READY=1");
		changes = wait_for_changes(&watcher);
	}
	return true;
}

/* Send an alert that says that it is a test down every way; whether each has taken it. */
bool watch_test(void (*print)(const struct alert *alert))
{
	char *boot = boot_id();
	struct alert *alert = alert_test(boot);
	struct summary summary = { 0 };
	int status = -1;
	bool good;
	pid_t pid;

	print(alert);
	good = journal_send(alert);
	summary_add(&summary, alert);
	pid = hooks_start(&summary);
	good &= pid > 0 && waitpid(pid, &status, 0) == pid && !status;
	summary_free(&summary);
	alert_free(alert);
	free(boot);
	return good;
}
