// SPDX-License-Identifier: GPL-2.0
#include <fnmatch.h>
#include <string.h>

#include "util/alloc.h"
#include "lvm/volume.h"
#include "util/conf.h"

#define CONF	"/etc/daxlinear/lvm.conf"

static void globs_add(struct globs *globs, const char *glob)
{
	globs->globs = grow(globs->globs, globs->nr, sizeof(char *));
	globs->globs[globs->nr++] = copy_text(glob);
}

bool globs_match(const struct globs *globs, const char *name)
{
	size_t i;

	for (i = 0; i < globs->nr; i++)
		if (!fnmatch(globs->globs[i], name, FNM_PATHNAME))
			return true;
	return false;
}

static bool is_glob(const char *word)
{
	const char *slash = strchr(word, '/');

	return slash && slash != word && slash[1] && !strchr(slash + 1, '/');
}

static bool take(void *data, const char *key, char **words, size_t nr)
{
	struct lvm_conf *conf = data;
	struct globs *to;
	size_t i;

	if (!strcmp(key, "attach"))
		to = &conf->attach;
	else if (!strcmp(key, "convert"))
		to = &conf->convert;
	else
		return false;
	for (i = 0; i < nr; i++)
		if (!is_glob(words[i]))
			return false;
	for (i = 0; i < nr; i++)
		globs_add(to, words[i]);
	conf->attach_given |= to == &conf->attach;
	return true;
}

/* Read the file. A line of another form is reported and ignored. */
void lvm_conf_read(struct lvm_conf *conf)
{
	*conf = (struct lvm_conf){ 0 };
	conf_read(CONF, "\"attach\" or \"convert\", =, and patterns of VG/LV", take, conf);
	if (!conf->attach_given)
		globs_add(&conf->attach, "*/*");
}
