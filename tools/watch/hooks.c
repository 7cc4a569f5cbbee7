// SPDX-License-Identifier: GPL-2.0
/*
 * A process beside the monitor runs the hooks, one after the other, so that none delays the next
 * alert.  A hook has ended when no process of its group is left.  When its time is over, the group
 * is killed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/alloc.h"
#include "util/clock.h"
#include "util/conf.h"
#include "util/say.h"
#include "watch/hooks.h"

#define FOLDER		"/etc/daxlinear/alert.d"
#define CONF		"/etc/daxlinear/monitor.conf"
#define PATH		"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

#define LIMIT_SECONDS	30

struct conf {
	char *mail;	/* the address, NULL for no mail */
};

/* Join words by a character. */
static char *join(const struct words *words, char between)
{
	char *text = copy_text(""), *longer;
	size_t i;

	for (i = 0; i < words->nr; i++) {
		longer = format_text("%s%s%c", text, words->words[i], between);
		free(text);
		text = longer;
	}
	if (*text)
		text[strlen(text) - 1] = '\0';
	return text;
}

/* The environment of the hooks: daxlinear-monitor(8) has the list. */
static struct words environment(const struct summary *summary)
{
	char *lines = join(&summary->lines, '\n'), *devices = join(&summary->devices, ' ');
	char *children = join(&summary->children, ' '), host[HOST_NAME_MAX + 1] = "";
	struct words words = { 0 };
	size_t i;

	gethostname(host, sizeof(host) - 1);
	words_add(&words, "PATH=" PATH);
	words_add(&words, "LANG=C.UTF-8");
	words_add(&words, "HOME=/");
	/* Of one alert all that the journal has; of several, what they have in common. */
	for (i = 0; i < summary->fields.nr && summary->nr == 1; i++)
		words_add(&words, "%s", summary->fields.words[i]);
	if (summary->nr > 1)
		words_add(&words, "DAXLINEAR_EVENT=%s", summary->event);
	words_add(&words, "DAXLINEAR_COUNT=%zu", summary->nr);
	words_add(&words, "DAXLINEAR_DEVICES=%s", devices);
	words_add(&words, "DAXLINEAR_CHILDREN=%s", children);
	words_add(&words, "DAXLINEAR_HOST=%s", host);
	words_add(&words, "DAXLINEAR_ID=%s", summary->id);
	if (summary->nr > summary->lines.nr)
		words_add(&words, "DAXLINEAR_TEXT=%s\n... and %zu more, see journalctl -t daxlinear",
			  lines, summary->nr - summary->lines.nr);
	else
		words_add(&words, "DAXLINEAR_TEXT=%s", lines);
	free(lines);
	free(devices);
	free(children);
	return words;
}

static bool take(void *data, const char *key, char **words, size_t nr)
{
	struct conf *conf = data;

	if (strcmp(key, "mail") || nr != 1)
		return false;
	free(conf->mail);
	conf->mail = copy_text(words[0]);
	return true;
}

/* Whether it may be run; if not, print why. */
static bool is_fit(const char *path)
{
	struct stat status;
	const char *wrong = NULL;

	if (stat(path, &status)) {
		note("hook %s is not run: %s", path, strerror(errno));
		return false;
	}
	if (!S_ISREG(status.st_mode))
		wrong = "it is no file";
	else if (status.st_uid || (status.st_mode & 0022))
		wrong = "others than root can change it: chown root, chmod go-w";
	else if (!(status.st_mode & 0100))
		wrong = "it is not executable: chmod +x";
	else if (access(path, R_OK | X_OK))
		wrong = strerror(errno);
	if (wrong)
		note("hook %s is not run: %s", path, wrong);
	return !wrong;
}

/* The process of a hook. */
static void become(const char *path, const struct words *env)
{
	int null = open("/dev/null", O_RDWR);
	sigset_t none;

	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* What it prints goes where messages go. */
	if (null < 0 || dup2(null, 0) < 0 || dup2(2, 1) < 0 || chdir("/"))
		_exit(126);
	execve(path, (char *[]){ (char *)path, NULL }, env->words);
	note("hook %s: %s", path, strerror(errno));
	_exit(127);
}

/* Wait until no process of the group is left; false when the time is over. */
static bool wait_for_group(pid_t group, pid_t hook, uint64_t end, int *status)
{
	int one;
	pid_t pid;

	while ((pid = waitpid(-group, &one, WNOHANG)) >= 0 || errno == EINTR) {
		if (pid == hook)
			*status = one;
		if (!pid && clock_monotonic() >= end)
			return false;
		if (!pid)
			poll(NULL, 0, 20);
	}
	return true;
}

/* Run a hook; whether it succeeded. */
static bool run_hook(const char *path, const struct words *env)
{
	uint64_t end = clock_monotonic() + LIMIT_SECONDS * SEC;
	int status = -1;
	pid_t pid;

	if (!is_fit(path))
		return false;
	pid = fork();
	if (!pid)
		become(path, env);
	if (pid < 0) {
		note("hook %s: %s", path, strerror(errno));
		return false;
	}
	/* In both processes, as either may be the first. */
	setpgid(pid, pid);
	if (!wait_for_group(pid, pid, end, &status)) {
		kill(-pid, SIGKILL);
		wait_for_group(pid, pid, UINT64_MAX, &status);
		note("hook %s, or a process that it has started, ran for more than %d seconds and was killed",
		     path, LIMIT_SECONDS);
		return false;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status))
		note("hook %s has failed with %d", path, WEXITSTATUS(status));
	else if (WIFSIGNALED(status))
		note("hook %s was killed by signal %d", path, WTERMSIG(status));
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

/* Files of packages and editors are none. */
static int is_hook(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return entry->d_name[0] != '.' && entry->d_name[length - 1] != '~' &&
	       !strstr(entry->d_name, ".dpkg-");
}

static bool run_folder(const struct words *env)
{
	struct dirent **entries;
	int nr = scandir(FOLDER, &entries, is_hook, alphasort), i;
	bool good = true;
	char *path;

	if (nr < 0 && errno != ENOENT) {
		note(FOLDER ": %s", strerror(errno));
		return false;
	}
	for (i = 0; i < nr; i++) {
		path = format_text(FOLDER "/%s", entries[i]->d_name);
		good &= run_hook(path, env);
		free(path);
	}
	return good;
}

/* The mail hook is installed beside the program. */
static bool run_mail(const struct conf *conf, struct words *env)
{
	char program[PATH_MAX], *path;
	ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
	bool good;

	if (!conf->mail)
		return true;
	program[length < 0 ? 0 : length] = '\0';
	path = format_text("%s/lib/daxlinear/mail", dirname(dirname(program)));
	words_add(env, "DAXLINEAR_MAIL=%s", conf->mail);
	good = run_hook(path, env);
	free(path);
	return good;
}

/**
 * hooks_start - run all hooks
 * @summary: What they are run for.
 *
 * Return: The process that runs them; its exit code is 0 if all have succeeded. Or -1 and errno.
 */
pid_t hooks_start(const struct summary *summary)
{
	struct conf conf = { 0 };
	struct words env;
	bool good;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid)
		return pid;
	/* What a hook leaves behind becomes a child of this process, which can wait for it then. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	conf_read(CONF, "\"mail\", =, and an address", take, &conf);
	env = environment(summary);
	good = run_folder(&env);
	good &= run_mail(&conf, &env);
	_exit(!good);
}
