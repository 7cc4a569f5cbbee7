/* SPDX-License-Identifier: GPL-2.0 */
/* Bad ranges and their owners, as rows and as JSON. */
#ifndef REPORT_H
#define REPORT_H

#include "health/bad.h"
#include "util/columns.h"
#include "util/json.h"
#include "health/owner.h"

struct report {
	struct owners owners;
	char *unknown;		/* why owners are not known, NULL if they are */
};

void report_find(struct report *report, const struct device *device, const struct bads *bads);
void report_row(const struct report *report, const struct bad *bad, struct columns *columns);
struct json_object *report_json(const struct report *report, const struct bad *bad);
void report_free(struct report *report);

#define REPORT_ALIGN	"rrlrll"
#define REPORT_HEAD	"offset\tlength\tchild\tat\tknown by\towner"

#endif
