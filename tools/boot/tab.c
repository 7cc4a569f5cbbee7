// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "util/alloc.h"
#include "device/name.h"
#include "util/size.h"
#include "boot/tab.h"

/* Read "offset=SIZE" or "len=SIZE"; NULL, or what is wrong. */
static char *parse_option(struct tab_child *child, char *option)
{
	char *value = strchr(option, '=');
	const char *wrong;
	uint64_t bytes;

	if (value)
		*value++ = '\0';
	if (!value || (strcmp(option, "offset") && strcmp(option, "len")))
		return format_text("\"%s\" is neither offset=SIZE nor len=SIZE", option);
	wrong = size_parse(value, &bytes);
	if (wrong)
		return format_text("%s: \"%s\" %s", option, value, wrong);
	if (bytes % PAGE)
		return format_text("%s: %s is no multiple of a page, 4 KiB", option, value);
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

static char *parse_line(struct tab *tab, char *line, unsigned int number)
{
	struct tab_entry *entry;
	const char *wrong;
	char *word, *bad;

	line[strcspn(line, "#")] = '\0';
	line += strspn(line, " \t\r");
	if (!*line)
		return NULL;
	word = strsep(&line, " \t\r");
	wrong = name_check(word);
	if (wrong)
		return format_text("\"%s\" %s", word, wrong);
	if (tab_find(tab, word))
		return format_text("there is a line for %s already", word);
	tab->entries = grow(tab->entries, tab->nr, sizeof(*entry));
	entry = &tab->entries[tab->nr++];
	*entry = (struct tab_entry){ .line = number, .name = copy_text(word) };
	while ((word = strsep(&line, " \t\r"))) {
		bad = *word ? parse_child(entry, word) : NULL;
		if (bad)
			return bad;
	}
	return entry->nr ? NULL : format_text("%s has no children", entry->name);
}

/* Drop the last entry. */
static void drop_last(struct tab *tab)
{
	struct tab_entry *entry = &tab->entries[--tab->nr];
	size_t i;

	for (i = 0; i < entry->nr; i++)
		free(entry->children[i].what);
	free(entry->children);
	free(entry->name);
}

/**
 * tab_parse - read a table of devices
 * @tab: Where its entries go. A line with a mistake leaves none.
 * @text: The table.
 *
 * Return: NULL, or what is wrong, a line each; other lines count all the same.
 */
char *tab_parse(struct tab *tab, const char *text)
{
	char *copy = copy_text(text), *rest = copy, *line, *wrong, *all = NULL, *longer;
	unsigned int number = 0;

	while ((line = strsep(&rest, "\n"))) {
		size_t before = tab->nr;

		number++;
		wrong = parse_line(tab, line, number);
		if (!wrong)
			continue;
		longer = format_text("%s%sline %u: %s", all ? all : "", all ? "\n" : "", number,
				     wrong);
		free(all);
		free(wrong);
		all = longer;
		if (tab->nr > before)
			drop_last(tab);
	}
	free(copy);
	return all;
}

const struct tab_entry *tab_find(const struct tab *tab, const char *name)
{
	size_t i;

	for (i = 0; i < tab->nr; i++)
		if (!strcmp(tab->entries[i].name, name))
			return &tab->entries[i];
	return NULL;
}

void tab_free(struct tab *tab)
{
	while (tab->nr)
		drop_last(tab);
	free(tab->entries);
	*tab = (struct tab){ 0 };
}
