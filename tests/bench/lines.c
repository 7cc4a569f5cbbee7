// SPDX-License-Identifier: GPL-2.0
/*
 * Looks up pages in random order, for cachegrind to count the cache lines that it takes.
 *
 *	lines nothing|daxlinear|dm-linear RANGES LOOKUPS
 *
 * dm-linear is a model of the data that device-mapper and dm-linear read: a tree with nodes of 8
 * keys and 9 children, the target that it leads to, and the private data of that.  daxlinear is the
 * same tree of one target, and below it the code of dm-daxlinear/table.c.  Ranges have odd lengths
 * of 1 to 15 pages.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../dm-daxlinear/table.h"

#define KEYS		8
#define CHILDREN	(KEYS + 1)
#define LEVELS_MAX	8

/* What is read of dm's struct dm_target, in a struct of its size. */
struct target {
	u64 before[2];
	u64 begin;
	u64 len;
	u64 between[3];
	void *private;
	u64 after[2];
};

struct node {
	u64 keys[KEYS];
};

struct tree {
	struct target *targets;
	struct node *levels[LEVELS_MAX];	/* the root is the first */
	unsigned int depth;
};

static struct daxlinear_table *table;
static struct tree one, many;			/* of one target, and of one for each range */

static u64 random_number(void)
{
	static u64 state = 88172645463325252;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static void *lines_of(size_t bytes)
{
	void *found = aligned_alloc(64, (bytes + 63) & ~63UL);

	if (!found)
		exit(1);
	return memset(found, 0, bytes);
}

static void make_table(unsigned int nr)
{
	unsigned int i;

	table = lines_of(sizeof(*table) + daxlinear_room(nr) * sizeof(table->ranges[0]));
	table->nr_ranges = nr;
	for (i = 0; i < nr; i++) {
		table->ranges[i + 1].start = table->ranges[i].start + 1 + 2 * (random_number() % 8);
		table->ranges[i].delta = random_number();
	}
	for (; i + 1 < daxlinear_room(nr); i++)
		table->ranges[i + 1].start = table->ranges[i].start;
	i = daxlinear_index_len(table);
	if (!i)
		return;
	table->index = lines_of(i * sizeof(*table->index));
	daxlinear_fill_index(table);
}

/* Make the keys above so many targets. */
static void make_keys(struct tree *tree, unsigned int nr)
{
	unsigned int counts[LEVELS_MAX], level, i, k;
	u64 span;

	counts[0] = (nr + KEYS - 1) / KEYS;
	for (tree->depth = 1; counts[tree->depth - 1] > 1; tree->depth++)
		counts[tree->depth] = (counts[tree->depth - 1] + CHILDREN - 1) / CHILDREN;
	for (level = 0, span = 1; level < tree->depth; level++) {
		struct node *nodes = lines_of(counts[level] * sizeof(*nodes));

		tree->levels[tree->depth - 1 - level] = nodes;
		for (i = 0; i < counts[level]; i++)
			for (k = 0; k < KEYS; k++) {
				u64 next = (u64)i * span * (level ? CHILDREN : KEYS) +
					   (k + 1) * span;

				nodes[i].keys[k] = next > nr ? ~0ULL :
						   tree->targets[next - 1].begin +
						   tree->targets[next - 1].len - 1;
			}
		span *= level ? CHILDREN : KEYS;
	}
}

static void make_trees(unsigned int nr)
{
	unsigned int i;

	one.targets = lines_of(sizeof(*one.targets));
	one.targets->len = table->ranges[nr].start;
	one.targets->private = table;
	make_keys(&one, 1);
	many.targets = lines_of(nr * sizeof(*many.targets));
	for (i = 0; i < nr; i++) {
		u64 *delta = malloc(2 * sizeof(u64));

		*delta = table->ranges[i].delta;
		many.targets[i].begin = table->ranges[i].start;
		many.targets[i].len = table->ranges[i + 1].start - table->ranges[i].start;
		many.targets[i].private = delta;
	}
	make_keys(&many, nr);
}

static void *private_of(const struct tree *tree, u64 page)
{
	const struct target *target;
	unsigned int level, k = 0;
	u64 number = 0;

	for (level = 0; level < tree->depth; level++) {
		number = number * CHILDREN + k;
		for (k = 0; k < KEYS && tree->levels[level][number].keys[k] < page; k++)
			;
	}
	target = &tree->targets[number * KEYS + k];
	if (page - target->begin >= target->len)
		exit(1);
	return target->private;
}

static u64 by_daxlinear(u64 page)
{
	return daxlinear_page(daxlinear_find(private_of(&one, page), page), page);
}

static u64 by_dm_linear(u64 page)
{
	return page + *(u64 *)private_of(&many, page);
}

static u64 by_nothing(u64 page)
{
	return page;
}

int main(int argc, char **argv)
{
	u64 (*look_up)(u64 page) = by_nothing, pages, sum = 0;
	unsigned int nr, lookups;

	if (argc != 4)
		return 2;
	nr = strtoul(argv[2], NULL, 0);
	lookups = strtoul(argv[3], NULL, 0);
	make_table(nr);
	make_trees(nr);
	if (!strcmp(argv[1], "daxlinear"))
		look_up = by_daxlinear;
	else if (!strcmp(argv[1], "dm-linear"))
		look_up = by_dm_linear;
	pages = table->ranges[nr].start;
	while (lookups--)
		sum += look_up(random_number() % pages);
	printf("%llu\n", sum);
	return 0;
}
