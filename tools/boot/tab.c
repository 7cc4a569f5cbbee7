// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "util/alloc.h"
#include "device/name.h"
#include "member/label.h"
#include "util/size.h"
#include "sys/pages.h"
#include "boot/tab.h"

/* Read "offset=SIZE" or "len=SIZE".  Return NULL, or what is wrong. */
static char *parse_option(struct tab_child *child, char *option)
{
	char *value = strchr(option, '=');
	char page[SIZE_TEXT_LEN];
	const char *wrong;
	uint64_t bytes;

	if (value)
		*value++ = '\0';
	if (!value || (strcmp(option, "offset") && strcmp(option, "len")))
		return format_text("\"%s\" is neither offset=SIZE nor len=SIZE", option);
	wrong = size_parse(value, &bytes);
	if (wrong)
		return format_text("%s: \"%s\" %s", option, value, wrong);
	if (bytes % page_bytes())
		return format_text("%s: %s is no multiple of a page, %s", option, value,
				   size_text(page_bytes(), page));
	if (option[0] == 'o')
		child->offset_bytes = bytes;
	else
		child->len_bytes = bytes;
	return NULL;
}

static char *parse_child(struct tab_entry *entry, char *word)
{
	struct tab_child *child;
	char *option, *wrong;

	entry->children = grow(entry->children, entry->nr, sizeof(*child));
	child = &entry->children[entry->nr++];
	*child = (struct tab_child){ .what = copy_text(strsep(&word, ",")) };
	while ((option = strsep(&word, ","))) {
		wrong = parse_option(child, option);
		if (wrong)
			return wrong;
	}
	if (!child->len_bytes)
		return format_text("%s has no len=SIZE", child->what);
	return NULL;
}

/* Read "set=UUID" or a child. */
static char *parse_word(struct tab_entry *entry, char *word)
{
	if (entry->set || (entry->nr && !strncmp(word, "set=", 4)))
		return format_text("set=UUID stands for all members: give nothing else");
	if (strncmp(word, "set=", 4))
		return parse_child(entry, word);
	if (!set_uuid_is(word + 4))
		return format_text("\"%s\" is no UUID of a set: daxlinear members lists those that there are",
				   word + 4);
	entry->set = copy_text(word + 4);
	return NULL;
}

/* Read what follows the first word of a line.  Return NULL, or what is wrong. */
static char *parse_line(struct tab *tab, const char *word, char *line, unsigned int number)
{
	const struct tab_entry *twin;
	struct tab_entry *entry;
	const char *wrong;
	char *rest, *bad;

	wrong = name_check(word);
	if (wrong)
		return format_text("\"%s\" %s", word, wrong);
	twin = tab_find(tab, word);
	if (twin)
		return format_text("there is a line for %s already, line %u: leave the one that is right",
				   word, twin->line);
	tab->entries = grow(tab->entries, tab->nr, sizeof(*entry));
	entry = &tab->entries[tab->nr++];
	*entry = (struct tab_entry){ .line = number, .name = copy_text(word) };
	while ((rest = strsep(&line, " \t\r"))) {
		bad = *rest ? parse_word(entry, rest) : NULL;
		if (bad)
			return bad;
	}
	return entry->nr || entry->set ? NULL : format_text("%s has no children", entry->name);
}

/* Drop the last entry. */
static void drop_last(struct tab *tab)
{
	struct tab_entry *entry = &tab->entries[--tab->nr];
	size_t i;

	for (i = 0; i < entry->nr; i++)
		free(entry->children[i].what);
	free(entry->children);
	free(entry->set);
	free(entry->name);
}

static void add_mistake(struct tab *tab, unsigned int line, const char *name, char *text)
{
	tab->mistakes = grow(tab->mistakes, tab->nr_mistakes, sizeof(*tab->mistakes));
	tab->mistakes[tab->nr_mistakes++] = (struct tab_mistake){
		.line = line,
		.name = copy_text(name),
		.text = text,
	};
}

/**
 * tab_parse - read a table of devices
 * @tab: Set to its entries, and to the mistakes of all lines that make no entry.
 * @text: The table.
 */
void tab_parse(struct tab *tab, const char *text)
{
	char *copy = copy_text(text), *rest = copy, *line, *word, *wrong;
	unsigned int number = 0;

	*tab = (struct tab){ 0 };
	while ((line = strsep(&rest, "\n"))) {
		size_t before = tab->nr;

		number++;
		line[strcspn(line, "#")] = '\0';
		line += strspn(line, " \t\r");
		if (!*line)
			continue;
		word = strsep(&line, " \t\r");
		wrong = parse_line(tab, word, line, number);
		if (!wrong)
			continue;
		add_mistake(tab, number, word, wrong);
		if (tab->nr > before)
			drop_last(tab);
	}
	free(copy);
}

const struct tab_entry *tab_find(const struct tab *tab, const char *name)
{
	size_t i;

	for (i = 0; i < tab->nr; i++)
		if (!strcmp(tab->entries[i].name, name))
			return &tab->entries[i];
	return NULL;
}

/* Find the first mistake in a line with this name, or NULL. */
const struct tab_mistake *tab_find_mistake(const struct tab *tab, const char *name)
{
	size_t i;

	for (i = 0; i < tab->nr_mistakes; i++)
		if (!strcmp(tab->mistakes[i].name, name))
			return &tab->mistakes[i];
	return NULL;
}

/* Return the size of the device that a line makes of children; a set has its own. */
uint64_t tab_bytes(const struct tab_entry *entry)
{
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < entry->nr; i++)
		bytes += entry->children[i].len_bytes;
	return bytes;
}

/**
 * tab_replace - replace a line of a table
 * @text: The table.
 * @number: The number of the line, counted from 1, which has to exist.  Its comment is kept.
 * @line: The new line.
 *
 * Return: The new table.
 */
char *tab_replace(const char *text, unsigned int number, const char *line)
{
	const char *start = text, *end, *comment;

	while (--number)
		start = strchr(start, '\n') + 1;
	end = start + strcspn(start, "\n");
	comment = start + strcspn(start, "#\n");
	return format_text("%.*s%s%s%.*s%s", (int)(start - text), text, line,
			   comment == end ? "" : " ", (int)(end - comment), comment, end);
}

void tab_free(struct tab *tab)
{
	while (tab->nr)
		drop_last(tab);
	free(tab->entries);
	while (tab->nr_mistakes--) {
		free(tab->mistakes[tab->nr_mistakes].name);
		free(tab->mistakes[tab->nr_mistakes].text);
	}
	free(tab->mistakes);
	*tab = (struct tab){ 0 };
}
