// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "util/progress.h"

/* A step that ends sooner gets no line, and no line is rewritten more often. */
#define FIRST_MS	500
#define AGAIN_MS	200

static uint64_t begin_ms, last_ms;
static bool shown;

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

bool progress_on_terminal(void)
{
	return isatty(STDERR_FILENO);
}

/* Print how far the step is.  Cheap: most calls return at once. */
void progress(const char *format, ...)
{
	uint64_t now = now_ms();
	va_list arguments;

	if (!progress_on_terminal())
		return;
	if (!begin_ms)
		begin_ms = now;
	if (now - begin_ms < FIRST_MS || now - last_ms < AGAIN_MS)
		return;
	last_ms = now;
	shown = true;
	fputs("\r\033[K", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fflush(stderr);
}

/* Wait a moment for a step whose progress is not known. */
void progress_wait(const char *what)
{
	struct timespec moment = { .tv_nsec = 50 * 1000000 };

	progress("%s: %ju s", what, begin_ms ? (uintmax_t)((now_ms() - begin_ms) / 1000) : 0);
	nanosleep(&moment, NULL);
}

/* Remove the line: the step is done. */
void progress_end(void)
{
	if (shown)
		fputs("\r\033[K", stderr);
	begin_ms = 0;
	shown = false;
}
