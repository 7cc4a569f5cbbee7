// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "util/alloc.h"
#include "util/clock.h"
#include "watch/summary.h"

#define LINES_MAX	50

static bool has_word(const struct words *words, const char *word)
{
	size_t i;

	for (i = 0; i < words->nr; i++)
		if (!strcmp(words->words[i], word))
			return true;
	return false;
}

static void add_once(struct words *words, const char *word)
{
	if (word && !has_word(words, word))
		words_add(words, "%s", word);
}

/* Add an alert to those that the hooks are run for next. */
void summary_add(struct summary *summary, const struct alert *alert)
{
	const char *boot = alert_field(alert, "BOOT"), *child = alert_field(alert, "CHILD");
	const char *seq = alert_field(alert, "SEQ");
	char *time = clock_text(alert->time_ns);
	size_t i;

	if (summary->lines.nr < LINES_MAX)
		words_add(&summary->lines, "%s %s", time, alert->text);
	add_once(&summary->devices, alert_field(alert, "DEVICE"));
	add_once(&summary->children, child);
	free(summary->event);
	summary->event = copy_text(summary->nr ? "summary" : alert->event);
	free(summary->id);
	summary->id = seq ? format_text("%s.%s.%s", boot, child, seq) :
			    format_text("%s.%s.%s", boot, alert->event, time);
	for (i = 0; i < alert->fields.nr && !summary->nr; i++)
		words_add(&summary->fields, "%s", alert->fields.words[i]);
	summary->nr++;
	free(time);
}

static void words_free(struct words *words)
{
	size_t i;

	for (i = 0; i < words->nr; i++)
		free(words->words[i]);
	free(words->words);
	*words = (struct words){ 0 };
}

void summary_free(struct summary *summary)
{
	words_free(&summary->lines);
	words_free(&summary->devices);
	words_free(&summary->children);
	words_free(&summary->fields);
	free(summary->event);
	free(summary->id);
	*summary = (struct summary){ 0 };
}

static void put_words(struct json_object *json, const char *key, const struct words *words)
{
	struct json_object *list = put_array(json, key);
	size_t i;

	for (i = 0; i < words->nr; i++)
		add_text(list, words->words[i]);
}

static void get_words(struct json_object *json, const char *key, struct words *words)
{
	struct json_object *list = get_array(json, key);
	const char *word;
	size_t i;

	for (i = 0; list && i < array_length(list); i++) {
		word = array_text(list, i);
		if (word)
			words_add(words, "%s", word);
	}
}

/* A summary for the history. */
struct json_object *summary_json(const struct summary *summary)
{
	struct json_object *json = new_object();

	put_number(json, "count", summary->nr);
	put_text(json, "event", summary->event);
	put_text(json, "id", summary->id);
	put_words(json, "lines", &summary->lines);
	put_words(json, "devices", &summary->devices);
	put_words(json, "children", &summary->children);
	put_words(json, "fields", &summary->fields);
	return json;
}

/* Read one that summary_json() has made; false if it is none. */
bool summary_read(struct summary *summary, struct json_object *json)
{
	const char *event = get_text(json, "event"), *id = get_text(json, "id");
	uint64_t nr;

	if (!event || !id || !get_number(json, "count", &nr) || !nr)
		return false;
	*summary = (struct summary){ .nr = nr, .event = copy_text(event), .id = copy_text(id) };
	get_words(json, "lines", &summary->lines);
	get_words(json, "devices", &summary->devices);
	get_words(json, "children", &summary->children);
	get_words(json, "fields", &summary->fields);
	return true;
}
