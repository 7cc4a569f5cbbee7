// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "device/lock.h"
#include "util/say.h"

#define LOCK	"/run/daxlinear.lock"

static int lock_fd = -1;
static sigset_t before;
static unsigned int holds;

/* Take the lock of changes, unless another process has it.  The process's exit releases it. */
bool lock_changes_at_once(void)
{
	if (lock_fd >= 0)
		return true;
	lock_fd = open(LOCK, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (lock_fd < 0)
		die(EXIT_FAILED, "%s: %s", LOCK, strerror(errno));
	return !flock(lock_fd, LOCK_EX | LOCK_NB);
}

/* Take the lock of changes, unless this process has it. */
void lock_changes(void)
{
	if (!lock_changes_at_once()) {
		note("waiting for another daxlinear to finish");
		if (flock(lock_fd, LOCK_EX))
			die(EXIT_FAILED, "%s: %s", LOCK, strerror(errno));
	}
}

/* Let other processes change devices, but for those that this one has claimed: device/claim.c. */
void unlock_changes(void)
{
	close(lock_fd);
	lock_fd = -1;
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
