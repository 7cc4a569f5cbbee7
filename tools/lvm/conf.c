// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "util/alloc.h"
#include "lvm/volume.h"
#include "util/say.h"

#define CONF	"/etc/daxlinear/lvm.conf"
#define BLANKS	" \t\r\n"

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

/* Read KEY = GLOB..., and write into the line. Returns false if it has another form. */
static bool read_line(char *line, struct lvm_conf *conf, bool *attach_given)
{
	char *words = strchr(line, '='), *key, *word;
	struct globs globs = { 0 }, *to;
	size_t i;

	if (!words)
		return false;
	*words++ = '\0';
	key = strtok(line, BLANKS);
	if (!key || strtok(NULL, BLANKS))
		return false;
	if (!strcmp(key, "attach"))
		to = &conf->attach;
	else if (!strcmp(key, "convert"))
		to = &conf->convert;
	else
		return false;
	for (word = strtok(words, BLANKS); word; word = strtok(NULL, BLANKS)) {
		if (!is_glob(word))
			return false;
		globs_add(&globs, word);
	}
	for (i = 0; i < globs.nr; i++)
		globs_add(to, globs.globs[i]);
	*attach_given |= to == &conf->attach;
	return true;
}

/* Read the file. A line of another form is reported and ignored. */
void lvm_conf_read(struct lvm_conf *conf)
{
	FILE *file = fopen(CONF, "re");
	bool attach_given = false;
	unsigned int number = 0;
	char *line = NULL;
	size_t room = 0;

	*conf = (struct lvm_conf){ 0 };
	if (!file && errno != ENOENT)
		note(CONF ": %s", strerror(errno));
	while (file && getline(&line, &room, file) >= 0) {
		number++;
		line[strcspn(line, "#")] = '\0';
		if (line[strspn(line, BLANKS)] && !read_line(line, conf, &attach_given))
			note(CONF ":%u: expected \"attach\" or \"convert\", =, and patterns of VG/LV; the line is ignored",
			     number);
	}
	free(line);
	if (file)
		fclose(file);
	if (!attach_given)
		globs_add(&conf->attach, "*/*");
}
