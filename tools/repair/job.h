/* SPDX-License-Identifier: GPL-2.0 */
/* The repair of one file: the file and its backup, opened, checked before, and read back after. */
#ifndef JOB_H
#define JOB_H

#include <sys/stat.h>

#include "repair/contents.h"
#include "repair/quarantine.h"

struct file_options {
	const char *path;
	const char *backup;	/* NULL to fill with zeros */
	bool force;		/* though other parts differ */
};

struct job {
	struct scene *scene;
	const struct file_options *options;
	struct contents contents;
	struct stat status;		/* before */
	struct quarantine quarantine;
	bool has_quarantine;
	char *data, *back;		/* a block each */
};

const char *job_reason(int err);
void job_open_file(struct job *job);
void job_open_backup(struct job *job);
void job_check_backup(struct job *job);
void job_check_rest(struct job *job);
void job_check_name(const struct job *job);
bool job_check_result(struct job *job);

#endif
