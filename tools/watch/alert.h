/* SPDX-License-Identifier: GPL-2.0 */
/* An alert: one bad range, or one mount, as text, as JSON and as fields. */
#ifndef ALERT_H
#define ALERT_H

#include "device/stack.h"
#include "health/findings.h"
#include "health/record.h"
#include "health/report.h"
#include "util/run.h"

/* A child, and its namespace; texts are "" where they are not known. */
struct identity {
	char disk[32];
	char namespace[37];	/* the UUID */
	char name[32];		/* ndctl's */
	dev_t dev;
};

struct alert {
	const char *event;	/* failure, gone, mount or test */
	uint64_t time_ns;
	char *text;		/* a line, without the time */
	struct json_object *json;
	struct words fields;	/* DAXLINEAR_KEY=VALUE, for the journal and for hooks */
	char **owners;		/* for the history */
	size_t nr_owners;
};

/* Where a failure belongs: an event of a child, and its part of a device. */
struct origin {
	const struct identity *child;
	const struct record_event *event;
	const char *source;	/* record or media */
	const char *boot;
	uint64_t part;		/* which part of the event it is, from 1 */
};

struct alert *alert_failure(const struct origin *origin, const struct device *device,
			    const struct report *report, const struct bad *bad);
struct alert *alert_mount(const char *boot, const struct device *device, const char *folder,
			  const struct finding *finding);
struct alert *alert_test(const char *boot);
const char *alert_field(const struct alert *alert, const char *key);
void alert_free(struct alert *alert);

#endif
