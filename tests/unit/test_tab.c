// SPDX-License-Identifier: GPL-2.0
/* /etc/daxlineartab: known lines, written ones read back, and any text at all. */
#include <string.h>

#include "../../tools/boot/tab.h"
#include "pages.h"
#include "unit.h"

#define SET	"6f1b8a52-3c04-8d11-9a77-5e2f00000000"
/* what a partition of it has */
#define MEMBER	"6f1b8a52-3c04-8d11-9a77-5e2f00000001"

/* The number of lines with a mistake. */
static size_t parse(struct tab *tab, const char *text)
{
	tab_parse(tab, text);
	return tab->nr_mistakes;
}

static void good(void)
{
	struct tab tab;
	const struct tab_entry *entry;

	CHECK(!parse(&tab, ""));
	CHECK(!tab.nr);
	CHECK(!parse(&tab, "# nothing\n\n \t# more nothing\n"));
	CHECK(!tab.nr);
	CHECK(!parse(&tab, "mem uuid=a-b,len=128M\n# x\n\tother\t/dev/x,offset=8s,len=0x1000 # y\r\n"
		     "last /dev/mapper/mem,len=1G,offset=4K  partuuid=q,len=4K"));
	CHECK(tab.nr == 3);
	entry = tab_find(&tab, "mem");
	CHECK(entry->line == 1 && entry->nr == 1 && !strcmp(entry->children[0].what, "uuid=a-b"));
	CHECK(tab_bytes(tab_find(&tab, "last")) == (1 << 30) + 4096);
	CHECK(entry->children[0].len_bytes == 128 << 20 && !entry->children[0].offset_bytes);
	entry = tab_find(&tab, "other");
	CHECK(entry->line == 3 && entry->children[0].offset_bytes == 4096);
	CHECK(tab_find(&tab, "last")->nr == 2);
	CHECK(!tab_find(&tab, "missing"));
	tab_free(&tab);
	CHECK(!parse(&tab, "mem set=" SET "\nother /dev/x,len=4K"));
	entry = tab_find(&tab, "mem");
	CHECK(!entry->nr && !strcmp(entry->set, SET));
	CHECK(!tab_find(&tab, "other")->set);
	tab_free(&tab);
}

/* A bad line is reported, and the lines around it are read. */
static void bad(void)
{
	static const struct {
		const char *line, *reason;
	} lines[] = {
		{ "x", "x has no children" },
		{ "x set=", "\"\" is no UUID of a set" },
		{ "x set=" MEMBER, "\"" MEMBER "\" is no UUID of a set" },
		{ "x set=" SET " set=" SET, "give nothing else" },
		{ "x set=" SET " /dev/a,len=4K", "give nothing else" },
		{ "x /dev/a,len=4K set=" SET, "give nothing else" },
		{ "x /dev/a", "/dev/a has no len=SIZE" },
		{ "x /dev/a,len=0", "/dev/a has no len=SIZE" },
		{ "x /dev/a,len", "\"len\" is neither" },
		{ "x /dev/a,len=4K,", "\"\" is neither" },
		{ "x /dev/a,size=4K", "\"size\" is neither" },
		{ "x /dev/a,len=4X", "len: \"4X\" is no size" },
		{ "x /dev/a,len=4K,offset=-1", "offset: \"-1\" is no size" },
		{ "x /dev/a,len=1s", "no multiple of a page" },
		{ "x /dev/a,len=99999P", "too large" },
		{ "x /dev/a,len=4K /dev/b", "/dev/b has no len" },
		{ "a/b /dev/a,len=4K", "\"a/b\" is no name" },
		{ "first /dev/a,len=4K", "there is a line for first already, line 1: " },
	};
	struct tab tab;
	const struct tab_mistake *mistake;
	char text[200], name[8];
	size_t i;

	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		unit_case = i;
		snprintf(text, sizeof(text), "first /dev/y,len=4K\n%s\nlast /dev/z,len=4K\n",
			 lines[i].line);
		CHECK(parse(&tab, text) == 1);
		sscanf(lines[i].line, "%7s", name);
		mistake = tab_find_mistake(&tab, name);
		CHECK(mistake && mistake->line == 2 && strstr(mistake->text, lines[i].reason));
		CHECK(!strchr(mistake->text, '\n') && !tab_find_mistake(&tab, "last"));
		CHECK(tab.nr == 2 && tab_find(&tab, "first") && tab_find(&tab, "last"));
		tab_free(&tab);
	}
}

/* A length is whole pages of the running kernel, and the message has their size. */
static void pages(void)
{
	struct tab tab;

	unit_page = 16 << 10;
	CHECK(parse(&tab, "mem /dev/a,len=20K\nlast /dev/a,len=32K,offset=16K\n") == 1);
	CHECK(!strcmp(tab.mistakes->text, "len: 20K is no multiple of a page, 16 KiB"));
	CHECK(tab.nr == 1 && tab_bytes(tab_find(&tab, "last")) == 32 << 10);
	tab_free(&tab);
	unit_page = 4 << 10;
	CHECK(parse(&tab, "mem /dev/a,len=20K\nlast /dev/a,len=18K\n") == 1);
	CHECK(!strcmp(tab.mistakes->text, "len: 18K is no multiple of a page, 4 KiB"));
	tab_free(&tab);
}

/* What is no part of the line stays, to the last byte. */
static void replaced(void)
{
	static const struct {
		const char *old;
		unsigned int number;
		const char *new;
	} cases[] = {
		{ "mem a", 1, "X" },
		{ "mem a\n", 1, "X\n" },
		{ "# one\n\nmem a # why\n  other b\t", 3, "# one\n\nX # why\n  other b\t" },
		{ "  mem a\t\r\nlast", 1, "X\nlast" },
		{ "a\nb\nmem a#", 3, "a\nb\nX #" },
	};
	char *new;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unit_case = i;
		new = tab_replace(cases[i].old, cases[i].number, "X");
		CHECK(!strcmp(new, cases[i].new));
		free(new);
	}
}

/* A line of any table is replaced, and nothing else. */
static void random_replaced(const char *text, const struct tab *tab)
{
	const struct tab_entry *entry = &tab->entries[unit_below(tab->nr)], *other;
	struct tab new;
	char *changed;
	size_t i;

	changed = tab_replace(text, entry->line, "new /dev/new,len=8K");
	CHECK(parse(&new, changed) <= tab->nr_mistakes && new.nr >= tab->nr);
	CHECK(tab_find(&new, "new")->line == entry->line && !tab_find(tab, "new"));
	for (i = 0; i < tab->nr; i++) {
		other = tab_find(&new, tab->entries[i].name);
		CHECK(other || &tab->entries[i] == entry);
		CHECK(!other || other->line == tab->entries[i].line || &tab->entries[i] == entry);
	}
	tab_free(&new);
	free(changed);
}

static void random_text(void)
{
	static const char * const parts[] = {
		" ", "\n", "\t", "#", ",", "=", "len=", "offset=", "4K", "mem", "uuid=", "/dev/x",
		"4096", "x", "\r", "1", "", "mem /dev/x,len=4K", "x uuid=a,len=8K ", "\n1 /dev/x,len=4096\n",
	};
	char text[400] = "";
	struct tab tab;
	size_t i;

	for (i = unit_below(40); i; i--)
		strcat(text, parts[unit_below(sizeof(parts) / sizeof(parts[0]))]);
	parse(&tab, text);
	for (i = 0; i < tab.nr; i++)
		CHECK(tab.entries[i].nr && tab_find(&tab, tab.entries[i].name) == &tab.entries[i]);
	if (tab.nr)
		random_replaced(text, &tab);
	tab_free(&tab);
}

int main(int argc, char **argv)
{
	unsigned long cases = argc > 1 ? strtoul(argv[1], NULL, 0) : 1000000;

	good();
	bad();
	pages();
	replaced();
	for (unit_case = 0; unit_case < cases / 10; unit_case++)
		random_text();
	printf("tab: %lu random tables are read or refused\n", cases / 10);
	return 0;
}
