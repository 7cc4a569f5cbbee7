// SPDX-License-Identifier: GPL-2.0
/*
 * A scratch file is made, and mapped by three processes; one of them poisons a page.  All that has
 * to follow is looked for, and the file is repaired and removed.  A kill before the end leaves the
 * file with its bad page, or the page in quarantine; the next drill ends what it finds.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "device/lock.h"
#include "drill/actors.h"
#include "drill/drill.h"
#include "drill/proof.h"
#include "drill/ready.h"
#include "drill/release.h"
#include "fs/blocks.h"
#include "repair/settle.h"
#include "sys/pages.h"
#include "util/clock.h"
#include "util/confirm.h"
#include "util/say.h"

/* Two map the page, and the first of them poisons it; the third maps another page of the file. */
enum { POISONER, OTHER, BESIDE, NR_ACTORS };

static const char * const actor_names[] = {
	[POISONER] = "the process that poisoned the page",
	[OTHER] = "another process that maps the page",
};

struct rehearsal {
	const char *name;
	struct scene scene;
	struct scratch scratch;
	struct steps steps;
	struct actor actors[NR_ACTORS];
	struct proof proof;
};

static void explain(const struct scene *scene)
{
	const char *folder = scene->mount.folder;

	fprintf(stderr,
		"This rehearses the failure of a page of %s. %s stays mounted and in use.\n"
		"- A file is made in %s/.daxlinear-drill. Two processes of this command map a page of it,\n"
		"  and the kernel is made to take that page for failed: madvise(MADV_HWPOISON).\n"
		"- Both get SIGBUS, and no other process may. The kernel logs and counts the failure, and\n"
		"  daxlinear-monitor alerts of it.\n"
		"- Then the page is repaired, and the file removed. If the platform clears poison, the page\n"
		"  is good again at once. If it does not, the kernel takes the page for failed until the\n"
		"  driver is bound anew, as by a reboot: a file in %s/.daxlinear-quarantine keeps it.\n"
		"  The memory itself is good all the time.\n",
		scene->device->name, folder, folder, folder);
}

static bool start_actors(struct rehearsal *rehearsal)
{
	static const unsigned int pages[] = {
		[POISONER] = SCRATCH_BAD,
		[OTHER] = SCRATCH_BAD,
		[BESIDE] = SCRATCH_BAD + 1,
	};
	size_t i;

	for (i = 0; i < NR_ACTORS; i++)
		if (!actor_start(&rehearsal->actors[i], rehearsal->scratch.fd,
				 pages[i] * page_bytes()))
			return false;
	return true;
}

static void end_actors(struct rehearsal *rehearsal)
{
	size_t i;

	for (i = 0; i < NR_ACTORS; i++)
		actor_end(&rehearsal->actors[i]);
}

static void show_signal(struct rehearsal *rehearsal, size_t number, struct actor_report report)
{
	const struct actor *actor = &rehearsal->actors[number];
	bool right;

	if (report.what != ACTOR_SIGBUS) {
		step(&rehearsal->steps, "signal", WRONG, "%s got no SIGBUS", actor_names[number]);
		return;
	}
	right = report.at == actor->address && report.lsb < 64 &&
		1ULL << report.lsb == page_bytes();
	step(&rehearsal->steps, "signal", right ? GOOD : WRONG,
	     "%s got SIGBUS at 0x%jx, granularity %ju; it is mapped at 0x%jx, in pages of %ju",
	     actor_names[number], (uintmax_t)report.at,
	     report.lsb < 64 ? (uintmax_t)1 << report.lsb : 0, (uintmax_t)actor->address,
	     (uintmax_t)page_bytes());
}

/* Poison the page, and show which processes get a signal.  False if it could not be poisoned. */
static bool poison(struct rehearsal *rehearsal)
{
	struct actor_report report;

	actor_poison(&rehearsal->actors[POISONER]);
	report = actor_wait(&rehearsal->actors[POISONER]);
	if (report.what == ACTOR_FAILED) {
		step(&rehearsal->steps, "poison", WRONG, "the kernel did not poison the page: %s",
		     strerror(report.err));
		return false;
	}
	show_signal(rehearsal, POISONER, report);
	show_signal(rehearsal, OTHER, actor_wait(&rehearsal->actors[OTHER]));
	actor_touch(&rehearsal->actors[BESIDE]);
	report = actor_wait(&rehearsal->actors[BESIDE]);
	step(&rehearsal->steps, "signal", report.what == ACTOR_ALIVE ? GOOD : WRONG,
	     "a process that maps another page of the file %s", report.what == ACTOR_ALIVE ?
	     "goes on" : report.what == ACTOR_SIGBUS ? "got SIGBUS" : "does not answer");
	return true;
}

/* The lines of a repair are no JSON. */
static bool repair_scratch(struct rehearsal *rehearsal)
{
	int out = -1;
	bool done;

	if (rehearsal->steps.list) {
		fflush(stdout);
		out = dup(STDOUT_FILENO);
		if (out < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
			die(EXIT_FAILED, "standard output: %s", strerror(errno));
	}
	done = scratch_repair(&rehearsal->scene);
	if (out >= 0) {
		fflush(stdout);
		dup2(out, STDOUT_FILENO);
		close(out);
	}
	return done;
}

/* Repair the file as daxlinear repair does, and remove it if it is good. */
static void repair(struct rehearsal *rehearsal)
{
	struct steps *steps = &rehearsal->steps;
	struct media_range media;

	if (!scene_media(&rehearsal->scene, rehearsal->proof.place, &media)) {
		step(steps, "repair", WRONG, "%s is not known to be bad, so repair leaves it",
		     rehearsal->scratch.path);
		return;
	}
	if (!repair_scratch(rehearsal)) {
		step(steps, "repair", WRONG, "%s stays bad: the next drill tries again",
		     rehearsal->scratch.path);
		return;
	}
	scene_read(&rehearsal->scene, rehearsal->name);
	if (scene_media(&rehearsal->scene, rehearsal->proof.place, &media))
		step(steps, "repair", release_mark(&rehearsal->scene, rehearsal->proof.place) ?
		     GOOD : WRONG,
		     "the page is in %s/.daxlinear-quarantine until the next boot; the platform does not clear it",
		     rehearsal->scene.mount.folder);
	else
		step(steps, "repair", GOOD, "the platform has cleared the page, which is good again");
	if (scratch_remove(&rehearsal->scene))
		step(steps, "end", GOOD, "%s is removed", rehearsal->scratch.path);
	else
		step(steps, "end", WRONG, "%s can't be removed: %s", rehearsal->scratch.path,
		     strerror(errno));
}

/* Repair and remove what an earlier drill has left. */
static void clean_up(struct rehearsal *rehearsal)
{
	settle(&rehearsal->scene);
	if (release_pages(&rehearsal->scene))
		scene_read(&rehearsal->scene, rehearsal->name);
	if (!scratch_inode(&rehearsal->scene))
		return;
	note("an earlier drill was not ended: its file is repaired and removed first");
	if (!repair_scratch(rehearsal) || !scratch_remove(&rehearsal->scene))
		die(EXIT_FAILED, "the file of an earlier drill stays bad: daxlinear repair %s lists it",
		    rehearsal->name);
	scene_read(&rehearsal->scene, rehearsal->name);
}

static void make_scratch(struct rehearsal *rehearsal)
{
	const char *folder = rehearsal->scene.mount.folder;

	if (scratch_make(&rehearsal->scratch, &rehearsal->scene))
		return;
	if (errno == EOPNOTSUPP)
		die(EXIT_FAILED, "%s is mounted without DAX: no process would map its memory; mount it with -o dax=always",
		    folder);
	die(EXIT_FAILED, "%s/.daxlinear-drill: %s", folder,
	    errno == EPERM ? "it is not root's; rename it" : strerror(errno));
}

static void rehearse(struct rehearsal *rehearsal)
{
	uint64_t offset = SCRATCH_BAD * page_bytes();
	bool poisoned;

	make_scratch(rehearsal);
	rehearsal->proof.scratch = &rehearsal->scratch;
	rehearsal->proof.since = clock_now();
	if (block_find(rehearsal->scratch.fd, offset, &rehearsal->proof.place) != BLOCK_WRITTEN ||
	    !start_actors(rehearsal)) {
		note("%s: %s", rehearsal->scratch.path, strerror(errno));
		end_actors(rehearsal);
		scratch_remove(&rehearsal->scene);
		exit(EXIT_FAILED);
	}
	poisoned = poison(rehearsal);
	end_actors(rehearsal);
	if (!poisoned) {
		scratch_remove(&rehearsal->scene);
		return;
	}
	scene_read(&rehearsal->scene, rehearsal->name);
	if (rehearsal->scene.unknown)
		die(EXIT_FAILED, "%s: %s", rehearsal->name, rehearsal->scene.unknown);
	proof_show(&rehearsal->steps, &rehearsal->scene, &rehearsal->proof);
	repair(rehearsal);
}

/**
 * drill - rehearse the failure of a page
 * @name: The device.
 * @options: How.
 *
 * Dies if it must not be held: then nothing was changed.
 *
 * Return: The command's exit code.
 */
int drill(const char *name, const struct drill_options *options)
{
	struct json_object *json = options->json ? new_object() : NULL;
	struct rehearsal rehearsal = { .name = name };

	scene_read(&rehearsal.scene, name);
	ready_scene(&rehearsal.scene);
	explain(&rehearsal.scene);
	if (!confirm(options->yes, "Hold the drill"))
		die(EXIT_FAILED, "nothing was done");
	if (!lock_changes_at_once())
		die(EXIT_FAILED, "another daxlinear changes or repairs a device: wait until it has ended");
	/* In the time that the answer took, a page may have failed. */
	scene_read(&rehearsal.scene, name);
	ready_scene(&rehearsal.scene);
	hold_signals();
	signal(SIGPIPE, SIG_IGN);
	if (json) {
		put_text(json, "name", rehearsal.scene.device->name);
		rehearsal.steps.list = put_array(json, "steps");
	}
	/* From the first change of the history on, this process holds its lock. */
	rehearsal.proof.watched = history_is_written(HISTORY_FOLDER);
	clean_up(&rehearsal);
	rehearse(&rehearsal);
	let_signals();
	if (json) {
		put_bool(json, "good", !rehearsal.steps.wrong);
		json_print(json);
	}
	return rehearsal.steps.wrong ? EXIT_FOUND : EXIT_DONE;
}
