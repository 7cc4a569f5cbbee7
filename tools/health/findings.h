/* SPDX-License-Identifier: GPL-2.0 */
/* What a check has found, for people and for programs. */
#ifndef FINDINGS_H
#define FINDINGS_H

#include <stdbool.h>
#include <stddef.h>

struct json_object;

/* One thing that was checked. */
struct finding {
	const char *name;	/* for programs; Documentation/check.rst has a row for each */
	char *subject;		/* the volume or disk, NULL if there is only one subject */
	bool good;
	char *text;		/* the state; if it is bad also the effect and the remedy */
};

struct findings {
	struct finding *findings;
	size_t nr;
	size_t nr_bad;
};

void findings_add(struct findings *findings, const char *name, bool good,
		  const char *format, ...) __attribute__((format(printf, 4, 5)));
void findings_add_of(struct findings *findings, const char *subject, const char *name, bool good,
		     const char *format, ...) __attribute__((format(printf, 5, 6)));
void findings_print(const struct findings *findings);
void findings_json(const struct findings *findings, struct json_object *json);
void findings_free(struct findings *findings);

#endif
