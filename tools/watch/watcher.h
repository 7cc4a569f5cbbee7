/* SPDX-License-Identifier: GPL-2.0 */
/* What a monitor keeps while it runs. */
#ifndef WATCHER_H
#define WATCHER_H

#include "watch/children.h"
#include "watch/hooks.h"
#include "watch/watch.h"

/* An event that is to be alerted about. */
struct news {
	struct watched *child;
	struct record_event event;
	const char *source;
};

struct watcher {
	const struct watch_options *options;
	char *boot;
	struct udev_monitor *udev;
	int mountinfo;
	struct children_list children;
	struct history history;
	bool started;			/* the first look is over */
	bool changed;			/* the history is to be saved */
	int save_err;			/* of the last save */
	uint64_t retry_at;		/* to save again, or 0 */
	struct news *news;
	size_t nr_news;
	struct summary summary;		/* what the hooks are run for next */
	uint64_t first, last;		/* when it got its alerts */
	struct summary running;		/* what they are to be run for now; kept until they ended */
	uint64_t run_at;		/* not before */
	pid_t hooks;			/* the process that runs them, or 0 */
};

static inline bool is_global(const struct watcher *watcher)
{
	return !watcher->options->nr;
}

void publish(struct watcher *watcher, const struct alert *alert, bool journal, bool hooks);
void publish_news(struct watcher *watcher);
void keep_child(struct watcher *watcher, const struct watched *child);

bool take_events(struct watcher *watcher, struct watched *child, const struct record *record);
void take_rest(struct watcher *watcher, struct watched *child,
	       const struct record_range *bad, size_t nr_bad, const char *source,
	       const char *result);
size_t read_badblocks(const char *disk, struct record_range **ranges);
void drop_good(struct watcher *watcher, const struct watched *child,
	       const struct record *record, const struct record_range *bad, size_t nr_bad);

#endif
