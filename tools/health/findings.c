// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdio.h>

#include "util/alloc.h"
#include "health/findings.h"
#include "util/json.h"

static void add(struct findings *findings, const struct finding *finding)
{
	findings->findings = grow(findings->findings, findings->nr, sizeof(*finding));
	findings->findings[findings->nr++] = *finding;
	findings->nr_bad += !finding->good;
}

/**
 * findings_add - add a finding about the only subject of a check
 * @findings: The list.
 * @name: What was checked. It is kept by reference.
 * @good: Whether it is as it should be.
 * @format: The text, as of printf(). If @good is false, it also names the effect and the remedy.
 */
void findings_add(struct findings *findings, const char *name, bool good, const char *format, ...)
{
	struct finding finding = { .name = name, .good = good };
	va_list arguments;

	va_start(arguments, format);
	finding.text = format_arguments(format, arguments);
	va_end(arguments);
	add(findings, &finding);
}

/* The same of one of several subjects, which is copied. */
void findings_add_of(struct findings *findings, const char *subject, const char *name, bool good,
		     const char *format, ...)
{
	struct finding finding = { .name = name, .good = good, .subject = copy_text(subject) };
	va_list arguments;

	va_start(arguments, format);
	finding.text = format_arguments(format, arguments);
	va_end(arguments);
	add(findings, &finding);
}

/* Print a line for each finding. */
void findings_print(const struct findings *findings)
{
	size_t i;

	for (i = 0; i < findings->nr; i++) {
		const struct finding *finding = &findings->findings[i];

		printf("%s  %s%s%s\n", finding->good ? "ok " : "BAD", finding->subject ?: "",
		       finding->subject ? ": " : "", finding->text);
	}
}

/* Add "good" and the list "checks" to an object. */
void findings_json(const struct findings *findings, struct json_object *json)
{
	struct json_object *list, *one;
	size_t i;

	put_bool(json, "good", !findings->nr_bad);
	list = put_array(json, "checks");
	for (i = 0; i < findings->nr; i++) {
		const struct finding *finding = &findings->findings[i];

		one = new_object();
		if (finding->subject)
			put_text(one, "subject", finding->subject);
		put_text(one, "check", finding->name);
		put_bool(one, "good", finding->good);
		put_text(one, "text", finding->text);
		add_object(list, one);
	}
}

void findings_free(struct findings *findings)
{
	size_t i;

	for (i = 0; i < findings->nr; i++) {
		free(findings->findings[i].subject);
		free(findings->findings[i].text);
	}
	free(findings->findings);
	*findings = (struct findings){ 0 };
}
