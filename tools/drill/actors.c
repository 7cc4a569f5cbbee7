// SPDX-License-Identifier: GPL-2.0
/*
 * A process maps its page, and waits for a letter on a pipe.  Its handler of SIGBUS writes what the
 * signal has to another pipe, and ends the process.  It dies with this process.
 *
 * By default the kernel sends SIGBUS at once only to the process that meets the failure, and to
 * others when they access the page.  An access to a page that was poisoned by software meets no
 * failure, so each process asks for the signal at once.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "drill/actors.h"
#include "sys/pages.h"

#define POISON	'p'
#define TOUCH	't'

/* The kernel sends signals before the call that poisons returns; a process may wait for a CPU. */
#define PATIENCE_MSEC	30000

/* The pipe of this process, if it is an actor. */
static int out;

static void report(const struct actor_report *report)
{
	if (write(out, report, sizeof(*report)) != sizeof(*report))
		_exit(1);
}

static void fail(void)
{
	report(&(struct actor_report){ .what = ACTOR_FAILED, .err = errno });
}

static void on_sigbus(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	report(&(struct actor_report){
		.what = ACTOR_SIGBUS,
		.code = info->si_code,
		.lsb = info->si_addr_lsb,
		.at = (uintptr_t)info->si_addr,
	});
	_exit(0);
}

/* Read the page, which the compiler must not leave out. */
static void touch(const char *page)
{
	__atomic_load_n(page, __ATOMIC_RELAXED);
}

static void __attribute__((noreturn)) act(int in, int fd, uint64_t offset)
{
	struct sigaction action = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO };
	char letter, *page;

	page = mmap(NULL, page_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
	if (page == MAP_FAILED || sigaction(SIGBUS, &action, NULL) ||
	    prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0)) {
		fail();
		_exit(1);
	}
	/* Only a page that is in the page table is found by its address. */
	touch(page);
	report(&(struct actor_report){ .what = ACTOR_READY, .at = (uintptr_t)page });
	while (read(in, &letter, 1) == 1) {
		if (letter == POISON && madvise(page, page_bytes(), MADV_HWPOISON)) {
			fail();
		} else if (letter == TOUCH) {
			touch(page);
			report(&(struct actor_report){ .what = ACTOR_ALIVE });
		}
	}
	_exit(0);
}

/* Start a process that maps a page of a file; false with errno. */
bool actor_start(struct actor *actor, int fd, uint64_t offset)
{
	pid_t parent = getpid();
	struct actor_report first;
	int to[2], from[2];

	if (pipe(to) || pipe(from))
		return false;
	actor->to = to[1];
	actor->from = from[0];
	actor->pid = fork();
	if (actor->pid < 0)
		return false;
	if (!actor->pid) {
		close(to[1]);
		close(from[0]);
		out = from[1];
		/* If the parent has died before, no signal comes. */
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
			_exit(1);
		act(to[0], fd, offset);
	}
	close(to[0]);
	close(from[1]);
	first = actor_wait(actor);
	actor->address = first.at;
	errno = first.what == ACTOR_FAILED ? first.err : EIO;
	return first.what == ACTOR_READY;
}

static void command(const struct actor *actor, char letter)
{
	/* A process that is dead reports nothing. */
	if (write(actor->to, &letter, 1) != 1)
		return;
}

/* Have the process poison its page, which it cannot outlive. */
void actor_poison(const struct actor *actor)
{
	command(actor, POISON);
}

/* Have the process read its page. */
void actor_touch(const struct actor *actor)
{
	command(actor, TOUCH);
}

/* Wait for the next report of the process. */
struct actor_report actor_wait(const struct actor *actor)
{
	struct pollfd ready = { .fd = actor->from, .events = POLLIN };
	struct actor_report report = { .what = ACTOR_SILENT };

	if (poll(&ready, 1, PATIENCE_MSEC) == 1 &&
	    read(actor->from, &report, sizeof(report)) != sizeof(report))
		report.what = ACTOR_SILENT;
	return report;
}

void actor_end(struct actor *actor)
{
	if (actor->pid <= 0)
		return;
	kill(actor->pid, SIGKILL);
	waitpid(actor->pid, NULL, 0);
	close(actor->to);
	close(actor->from);
	actor->pid = 0;
}
