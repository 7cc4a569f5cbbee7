// SPDX-License-Identifier: GPL-2.0
/* Children side by side: trimmed, and as ranges. */
#include "util/alloc.h"
#include "device/child.h"
#include "device/geometry.h"
#include "device/huge.h"
#include "util/say.h"
#include "sys/pages.h"
#include "sys/sysfs.h"

void children_add(struct children *children, const char *given)
{
	children->children = grow(children->children, children->nr, sizeof(struct child));
	children->children[children->nr++] = (struct child){ .given = given };
}

/* Add a child of which it is known what is used. */
void children_add_range(struct children *children, const char *given, uint64_t offset_bytes,
			uint64_t len_bytes)
{
	struct child *child;

	children_add(children, given);
	child = &children->children[children->nr - 1];
	child->offset_sectors = offset_bytes / SECTOR;
	child->len_sectors = len_bytes / SECTOR;
	child->has_offset = true;
	child->has_len = true;
}

/* What to trim children to if nothing else says so. */
uint64_t children_granule(const struct children *children)
{
	uint64_t *bytes = NULL, granule;
	size_t i;

	for (i = 0; i < children->nr; i++) {
		bytes = grow(bytes, i, sizeof(*bytes));
		bytes[i] = children->children[i].len_sectors * SECTOR;
	}
	granule = geometry_granule(bytes, children->nr);
	free(bytes);
	return granule;
}

/* Trim each child to a multiple of the granule. */
void children_trim(struct children *children)
{
	uint64_t granule = children->granule_bytes ?: children_granule(children), bytes;
	char text[2][SIZE_TEXT_LEN];
	struct child *child;

	for (child = children->children; child < children->children + children->nr; child++) {
		bytes = child->len_sectors * SECTOR;
		if (bytes < granule)
			die(EXIT_FAILED, "%s: of its %s nothing is left if it is trimmed to a multiple of %s: leave it out, or say --granule",
			    child->given, size_text(bytes, text[0]), size_text(granule, text[1]));
		child->len_sectors = bytes / granule * (granule / SECTOR);
	}
}

/* Whether files on a range can be mapped in huge pages. */
static bool is_huge(struct segment *segment, const struct stack *stack)
{
	struct layout layout = { .segments = segment, .nr = 1 };

	return huge_all_aligned(stack, &layout);
}

/* Append them to a line. */
void children_line(const struct children *children, const struct stack *stack, struct line *line)
{
	char huge[SIZE_TEXT_LEN], page[SIZE_TEXT_LEN];
	size_t i = line->layout.nr;
	const struct child *child;

	for (child = children->children; child < children->children + children->nr; child++)
		line_add(line, child->dev, child->offset_sectors, child->len_sectors);
	/* What was joined to the last range starts where that does. */
	for (; i < line->layout.nr; i++) {
		struct segment *segment = &line->layout.segments[i];

		if (is_huge(segment, stack))
			continue;
		line->align = NULL;
		note("%s does not start on %s here and in memory: files on it will be mapped in pages of %s",
		     block_path(segment->dev), size_text(huge_page_bytes(), huge),
		     size_text(page_bytes(), page));
	}
}
