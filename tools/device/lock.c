// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>

#include "device/lock.h"
#include "util/say.h"

#define LOCK	"/run/daxlinear.lock"

static sigset_t before;
static unsigned int holds;

/* Take the lock of changes, unless this process has it.  The exit of this process releases it. */
void lock_changes(void)
{
	static int fd = -1;

	if (fd >= 0)
		return;
	fd = open(LOCK, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		die(EXIT_FAILED, "%s: %s", LOCK, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		note("waiting for another daxlinear to finish");
		if (flock(fd, LOCK_EX))
			die(EXIT_FAILED, "%s: %s", LOCK, strerror(errno));
	}
}

/*
 * Block signals until let_signals() is called as often, so that none ends the program in the
 * middle of a change.
 */
void hold_signals(void)
{
	sigset_t set;

	if (holds++)
		return;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	sigprocmask(SIG_BLOCK, &set, &before);
}

void let_signals(void)
{
	if (!--holds)
		sigprocmask(SIG_SETMASK, &before, NULL);
}
