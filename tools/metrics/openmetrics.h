/* SPDX-License-Identifier: GPL-2.0 */
/* The text format of metrics: Documentation/metrics.rst. */
#ifndef OPENMETRICS_H
#define OPENMETRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/**
 * struct metric - a metric, and its samples until it is printed
 * @name: Its name. It ends with @unit, and with _total if it is a counter.
 * @is_counter: Whether it is a counter, or a gauge. All readers of the format have these two types.
 * @unit: A base unit, NULL for a number without one.
 * @help: What it is, in a line without quotes and backslashes.
 * @samples: Its lines.
 * @length: Of them.
 * @file: Appends to them.
 */
struct metric {
	const char *name;
	bool is_counter;
	const char *unit;
	const char *help;
	char *samples;
	size_t length;
	FILE *file;
};

/* The labels of a sample: a label and its value, any number of times. */
#define LABELS(...)	((const char * const[]){ __VA_ARGS__, NULL })

void metric_add(struct metric *metric, uint64_t value, const char * const *labels);
void metric_print(struct metric *metric, FILE *file);
void metrics_end(FILE *file);

#endif
