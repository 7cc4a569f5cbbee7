// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "util/alloc.h"
#include "util/clock.h"
#include "util/json.h"
#include "util/printable.h"
#include "util/size.h"
#include "watch/alert.h"

/* Add a field, none if there is no value. */
static void add_field(struct alert *alert, const char *key, const char *value)
{
	char *plain;

	if (!value || !*value)
		return;
	plain = printable(value);
	words_add(&alert->fields, "DAXLINEAR_%s=%s", key, plain);
	free(plain);
}

static void add_number(struct alert *alert, const char *key, uint64_t number)
{
	words_add(&alert->fields, "DAXLINEAR_%s=%ju", key, (uintmax_t)number);
}

/* The first value of a field, NULL if there is none. */
const char *alert_field(const struct alert *alert, const char *key)
{
	size_t length = strlen("DAXLINEAR_"), i;

	for (i = 0; i < alert->fields.nr; i++) {
		const char *field = alert->fields.words[i] + length;

		if (!strncmp(field, key, strlen(key)) && field[strlen(key)] == '=')
			return field + strlen(key) + 1;
	}
	return NULL;
}

static struct alert *new_alert(const char *event, uint64_t time_ns, const char *boot,
			       struct json_object *json)
{
	struct alert *alert = grow(NULL, 0, sizeof(*alert));
	char *time = clock_text(time_ns);

	*alert = (struct alert){ .event = event, .time_ns = time_ns, .json = json };
	put_text(json, "event", event);
	put_text(json, "time", time);
	put_text(json, "boot", boot);
	add_field(alert, "EVENT", event);
	add_field(alert, "TIME", time);
	add_field(alert, "BOOT", boot);
	free(time);
	return alert;
}

/* What became of a failure, in words. */
static char *result_text(const char *result)
{
	if (!strcmp(result, "handled"))
		return copy_text("the filesystem handled it");
	if (!strcmp(result, "generic"))
		return copy_text("left to the kernel's generic handling, as no filesystem handled it");
	if (!strcmp(result, "unused"))
		return copy_text("no device was notified");
	if (!strcmp(result, "pending"))
		return copy_text("the filesystem has not answered yet");
	if (!strcmp(result, "media"))
		return copy_text("found by the driver of the memory, before any access");
	if (!strcmp(result, "unknown"))
		return copy_text("found in the kernel's record, without the event");
	return format_text("the filesystem answered with the error %s", result);
}

/* "/mem/ledger, data at 0x2000 (inode 131)", or the kind of metadata. */
static char *owner_text(struct json_object *owner)
{
	const char *what = get_text(owner, "what"), *path = get_text(owner, "path");
	uint64_t inode, offset = 0;
	char *name, *text;

	if (!get_number(owner, "inode", &inode))
		return copy_text(what ?: "unknown");
	get_number(owner, "file_offset_bytes", &offset);
	name = path ? printable(path) : copy_text("a file without a path");
	text = format_text("%s, %s at 0x%jx (inode %ju)", name, what ?: "data", (uintmax_t)offset,
			   (uintmax_t)inode);
	free(name);
	return text;
}

/* Take the owners from the JSON, and return them as text. */
static char *take_owners(struct alert *alert, bool shutdown)
{
	struct json_object *list = get_array(alert->json, "owners"), *owner;
	const char *unknown = get_text(alert->json, "owners_unknown"), *path;
	char *text = NULL, *longer;
	size_t i;

	for (i = 0; list && i < array_length(list); i++) {
		owner = array_object(list, i);
		path = get_text(owner, "path");
		alert->owners = grow(alert->owners, alert->nr_owners, sizeof(char *));
		alert->owners[alert->nr_owners] = owner_text(owner);
		longer = format_text("%s%s%s", text ?: "", text ? "; " : "",
				     alert->owners[alert->nr_owners]);
		free(text);
		text = longer;
		add_field(alert, "OWNER", alert->owners[alert->nr_owners++]);
		add_field(alert, "PATH", path);
	}
	if (!text && unknown)
		text = format_text(shutdown ? "metadata: %s" : "the owner is not known: %s",
				   unknown);
	return text;
}

/* "pmem1 (namespace1.0, UUID)". */
static char *child_text(const struct identity *child)
{
	if (!child->namespace[0])
		return copy_text(child->disk);
	return format_text("%s (%s%s%s)", child->disk, child->name, child->name[0] ? ", " : "",
			   child->namespace);
}

static char *failure_text(const struct alert *alert, const struct origin *origin,
			  const struct device *device, const struct bad *bad, const char *owners)
{
	char *child = child_text(origin->child), *text;
	char *result = result_text(origin->event->result);
	char len[SIZE_TEXT_LEN];

	if (!strcmp(alert->event, "gone")) {
		text = format_text("%s: all of %s: gone", device ? device->name : "no device",
				   child);
	} else {
		size_text(bad->len_bytes, len);
		text = device ? format_text("%s: %s at 0x%jx failed, on %s at 0x%jx: %s%s%s",
					    device->name, len, (uintmax_t)bad->start_bytes, child,
					    (uintmax_t)bad->offset_bytes, result, owners ? ": " : "",
					    owners ?: "") :
				format_text("%s failed, on %s at 0x%jx, which no mapped device uses: %s",
					    len, child, (uintmax_t)bad->offset_bytes, result);
	}
	free(child);
	free(result);
	return text;
}

/**
 * alert_failure - make an alert of a failed range, or of a child that is gone
 * @origin: The child and its event.
 * @device: The device that maps it, NULL if none does.
 * @report: The owners on that device, if there is one.
 * @bad: The range in the device; without one, the range on the child.
 *
 * Return: The alert, for alert_free().
 */
struct alert *alert_failure(const struct origin *origin, const struct device *device,
			    const struct report *report, const struct bad *bad)
{
	const struct record_event *event = origin->event;
	const struct identity *child = origin->child;
	struct json_object *json = device ? report_json(report, bad) : new_object();
	struct alert *alert = new_alert(event->sectors ? "failure" : "gone", event->time_ns,
					origin->boot, json);
	char *owners = take_owners(alert, bad->shutdown);

	put_text(json, "device", device ? device->name : NULL);
	if (!device)
		put_text(json, "child", child->disk);
	put_text(json, "disk", child->disk);
	put_text(json, "namespace", child->namespace[0] ? child->namespace : NULL);
	put_text(json, "namespace_name", child->name[0] ? child->name : NULL);
	put_number(json, "sector", event->sector);
	put_number(json, "sectors", event->sectors);
	put_text(json, "source", origin->source);
	put_text(json, "result", event->result);
	add_field(alert, "DEVICE", device ? device->name : NULL);
	add_field(alert, "CHILD", child->disk);
	add_field(alert, "NAMESPACE", child->namespace);
	add_field(alert, "NAMESPACE_NAME", child->name);
	if (event->sectors) {
		if (device)
			add_number(alert, "OFFSET", bad->start_bytes);
		add_number(alert, "LENGTH", bad->len_bytes);
		add_number(alert, "CHILD_OFFSET", bad->offset_bytes);
	}
	add_number(alert, "SECTOR", event->sector);
	add_number(alert, "SECTORS", event->sectors);
	add_field(alert, "SOURCE", origin->source);
	add_field(alert, "RESULT", event->result);
	/* Only what has a number can be found again in the journal. */
	if (event->seq) {
		put_number(json, "seq", event->seq);
		add_number(alert, "SEQ", event->seq);
		add_number(alert, "PART", origin->part);
		add_number(alert, "TIME_NS", event->time_ns);
	}
	alert->text = failure_text(alert, origin, device, bad, owners);
	free(owners);
	return alert;
}

/* Make an alert of a mount that does not protect its data. */
struct alert *alert_mount(const char *boot, const struct device *device, const char *folder,
			  const struct finding *finding)
{
	struct alert *alert = new_alert("mount", clock_now(), boot, new_object());

	put_text(alert->json, "device", device->name);
	put_text(alert->json, "folder", folder);
	put_text(alert->json, "check", finding->name);
	put_text(alert->json, "text", finding->text);
	add_field(alert, "DEVICE", device->name);
	add_field(alert, "FOLDER", folder);
	add_field(alert, "CHECK", finding->name);
	alert->text = format_text("%s: %s", device->name, finding->text);
	return alert;
}

struct alert *alert_test(const char *boot)
{
	struct alert *alert = new_alert("test", clock_now(), boot, new_object());

	alert->text = copy_text("this is a test of the alerts, nothing has failed");
	put_text(alert->json, "text", alert->text);
	return alert;
}

void alert_free(struct alert *alert)
{
	size_t i;

	for (i = 0; i < alert->fields.nr; i++)
		free(alert->fields.words[i]);
	for (i = 0; i < alert->nr_owners; i++)
		free(alert->owners[i]);
	free(alert->fields.words);
	free(alert->owners);
	free(alert->text);
	json_free(alert->json);
	free(alert);
}
