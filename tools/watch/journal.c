// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
/* Where the tool has sent an alert from is of no use. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "util/alloc.h"
#include "util/say.h"
#include "watch/journal.h"

#define SOCKET	"/run/systemd/journal/socket"

/* The entries of daxlinear.catalog. */
static const struct {
	const char *event, *id, *priority;
} kinds[] = {
	{ "failure", "76caa6d036804091aa4f56cc83e80829", "2" },
	{ "gone", "be80f1ddfe314228a8a56e59482ec26e", "2" },
	{ "mount", "d1331b4e8e194ae0892b8ee99e67513f", "4" },
	{ "test", "3213632e01c14e099112c84ea246912f", "5" },
};

static void add(struct iovec **fields, size_t *nr, char *field)
{
	*fields = grow(*fields, *nr, sizeof(**fields));
	(*fields)[(*nr)++] = (struct iovec){ field, strlen(field) };
}

/* Write an alert to the journal; false, after a message, if it cannot be. */
bool journal_send(const struct alert *alert)
{
	char *own[4] = { format_text("MESSAGE=%s", alert->text),
			 copy_text("SYSLOG_IDENTIFIER=daxlinear") };
	struct iovec *fields = NULL;
	size_t nr = 0, i;
	int err;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(kinds[i].event, alert->event)) {
			own[2] = format_text("MESSAGE_ID=%s", kinds[i].id);
			own[3] = format_text("PRIORITY=%s", kinds[i].priority);
		}
	for (i = 0; i < 4; i++)
		if (own[i])
			add(&fields, &nr, own[i]);
	for (i = 0; i < alert->fields.nr; i++)
		add(&fields, &nr, alert->fields.words[i]);
	err = sd_journal_sendv(fields, nr);
	if (err < 0)
		note("the journal: %s", strerror(-err));
	free(fields);
	for (i = 0; i < 4; i++)
		free(own[i]);
	return err >= 0;
}

/* What was sent just before this process started need not be in the journal's files yet. */
static void sync_journal(void)
{
	static bool done;
	struct words words = { 0 };

	if (done || access(SOCKET, F_OK))
		return;
	done = true;
	words_add(&words, "journalctl");
	words_add(&words, "--sync");
	run_program(&words);
}

static bool get_value(sd_journal *journal, const char *field, uint64_t *value)
{
	uintmax_t number;
	const char *data;
	size_t length;

	if (sd_journal_get_data(journal, field, (const void **)&data, &length))
		return false;
	if (sscanf(data + strlen(field), "=%ju", &number) != 1)
		return false;
	*value = number;
	return true;
}

static bool add_match(sd_journal *journal, const char *field, const char *value)
{
	char *text = format_text("%s=%s", field, value);
	bool added = sd_journal_add_match(journal, text, 0) >= 0;

	free(text);
	return added;
}

/*
 * Find the last alert of a child in this boot that the journal has.  Only root's entries count, as
 * any user may write one with the same fields.
 */
bool journal_last(const char *boot, const struct identity *child, struct journal_entry *entry)
{
	sd_journal *journal;
	bool found = false;

	sync_journal();
	if (sd_journal_open(&journal, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM) < 0)
		return false;
	if (add_match(journal, "_UID", "0") && add_match(journal, "DAXLINEAR_BOOT", boot) &&
	    add_match(journal, "DAXLINEAR_CHILD", child->disk) &&
	    sd_journal_seek_tail(journal) >= 0)
		while (!found && sd_journal_previous(journal) > 0)
			found = get_value(journal, "DAXLINEAR_SEQ", &entry->seq) &&
				get_value(journal, "DAXLINEAR_PART", &entry->part) &&
				get_value(journal, "DAXLINEAR_TIME_NS", &entry->time_ns);
	sd_journal_close(journal);
	return found;
}
