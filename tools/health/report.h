/* SPDX-License-Identifier: GPL-2.0 */
/* Bad ranges and their owners, as rows and as JSON. */
#ifndef REPORT_H
#define REPORT_H

#include "health/bad.h"
#include "util/columns.h"
#include "util/json.h"
#include "health/owner.h"

struct report {
	const struct bads *bads;
	struct owners owners;
	char *unknown;		/* why owners are not known, NULL if they are */
	char *folder;		/* the mount point, if they are */
};

void report_find_owners(struct report *report, const struct device *device, struct bads *bads);
void report_find(struct report *report, const struct device *device, struct bads *bads);
void report_row(const struct report *report, const struct bad *bad, struct columns *columns);
char *report_gone(const struct bad_child *child, const struct bad *bad);
struct json_object *report_json(const struct report *report, const struct bad *bad);
struct json_object *report_child_json(const struct bad_child *child);
void report_free(struct report *report);

#define REPORT_ALIGN	"rrlrllll"
#define REPORT_HEAD	"offset\tlength\tchild\tat\tknown by\tresult\tlast failure\towner"

#endif
