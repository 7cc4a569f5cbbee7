// SPDX-License-Identifier: GPL-2.0
#include <err.h>
#include <stdlib.h>

#include "metrics/openmetrics.h"

/* The length of the character of UTF-8 that begins there, 0 if none does. */
static size_t character(const unsigned char *text)
{
	/* the least and greatest lead byte, the least and greatest second byte, the length */
	static const struct {
		unsigned char first, last, low, high;
		size_t length;
	} leads[] = {
		{ 0x01, 0x7f, 0x00, 0xff, 1 }, { 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};
	size_t i, at;

	for (i = 0; i < sizeof(leads) / sizeof(leads[0]); i++) {
		if (*text < leads[i].first || *text > leads[i].last)
			continue;
		if (leads[i].length > 1 && (text[1] < leads[i].low || text[1] > leads[i].high))
			return 0;
		for (at = 2; at < leads[i].length; at++)
			if ((text[at] & 0xc0) != 0x80)
				return 0;
		return leads[i].length;
	}
	return 0;
}

/*
 * Print the value of a label.  The format is UTF-8, but the kernel's names and paths are bytes.
 * What is no character is printed as \\xHH, whose backslash is escaped as any other.
 */
static void print_value(FILE *file, const char *value)
{
	const unsigned char *c = (const unsigned char *)value;
	size_t length;

	for (; *c; c += length ?: 1) {
		length = character(c);
		if (!length)
			fprintf(file, "\\\\x%02x", *c);
		else if (*c == '\n')
			fputs("\\n", file);
		else if (*c == '"' || *c == '\\')
			fprintf(file, "\\%c", *c);
		else
			fwrite(c, 1, length, file);
	}
}

/* Add a sample. */
void metric_add(struct metric *metric, uint64_t value, const char * const *labels)
{
	const char *between = "{";

	if (!metric->file)
		metric->file = open_memstream(&metric->samples, &metric->length);
	if (!metric->file)
		err(EXIT_FAILURE, "memory");
	fputs(metric->name, metric->file);
	for (; *labels; labels += 2) {
		fprintf(metric->file, "%s%s=\"", between, labels[0]);
		print_value(metric->file, labels[1]);
		fputc('"', metric->file);
		between = ",";
	}
	fprintf(metric->file, "%s %ju\n", *between == ',' ? "}" : "", (uintmax_t)value);
}

/*
 * Print a metric that has samples. Its metadata has the name of the samples, _total included, as
 * OpenMetrics 2 and Prometheus's own format have it: of these, the textfile collector and promtool
 * read the latter alone, to which a UNIT and the EOF are comments.
 */
void metric_print(struct metric *metric, FILE *file)
{
	if (!metric->file)
		return;
	if (fclose(metric->file))
		err(EXIT_FAILURE, "memory");
	metric->file = NULL;
	fprintf(file, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help, metric->name,
		metric->is_counter ? "counter" : "gauge");
	if (metric->unit)
		fprintf(file, "# UNIT %s %s\n", metric->name, metric->unit);
	fwrite(metric->samples, 1, metric->length, file);
	free(metric->samples);
}

void metrics_end(FILE *file)
{
	fputs("# EOF\n", file);
}
