// SPDX-License-Identifier: GPL-2.0
/* Children side by side: what the command line says of them, trimmed, and as ranges. */
#include "util/alloc.h"
#include "device/child.h"
#include "util/columns.h"
#include "cmd/command.h"
#include "device/geometry.h"
#include "device/huge.h"
#include "util/say.h"
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

static struct child *last_child(struct children *children, const char *option)
{
	if (!children->nr)
		usage("%s belongs to the device before it, and there is none", option);
	return &children->children[children->nr - 1];
}

static uint64_t whole_pages(const char *option, const char *text)
{
	uint64_t bytes = size_option(option, text);

	if (bytes % (4 * KIB))
		usage("%s: %s is no multiple of a page, 4 KiB", option, text);
	return bytes;
}

/* An option that is not about all children belongs to the one before it. */
void children_option(struct children *children, int option, const char *text)
{
	struct child *child;

	switch (option) {
	case 'f':
		children->force = true;
		break;
	case 'g':
		children->granule_bytes = whole_pages("--granule", text);
		if (!children->granule_bytes)
			usage("--granule: it must be a page at least, 4 KiB");
		break;
	case 'l':
		child = last_child(children, "--len");
		child->len_sectors = whole_pages("--len", text) / SECTOR;
		child->has_len = true;
		if (!child->len_sectors)
			usage("--len: nothing of %s would be used", child->given);
		break;
	case 'o':
		child = last_child(children, "--offset");
		child->offset_sectors = whole_pages("--offset", text) / SECTOR;
		child->has_offset = true;
		break;
	}
}

/* Trim each child to a multiple of the granule. */
void children_trim(struct children *children)
{
	char text[SIZE_TEXT_LEN], granule[SIZE_TEXT_LEN];
	uint64_t *bytes = NULL;
	size_t i;

	for (i = 0; i < children->nr; i++) {
		bytes = grow(bytes, i, sizeof(*bytes));
		bytes[i] = children->children[i].len_sectors * SECTOR;
	}
	if (!children->granule_bytes)
		children->granule_bytes = geometry_granule(bytes, children->nr);
	for (i = 0; i < children->nr; i++) {
		struct child *child = &children->children[i];

		if (bytes[i] < children->granule_bytes)
			die(EXIT_FAILED, "%s: of its %s nothing is left if it is trimmed to a multiple of %s: leave it out, or say --granule",
			    child->given, size_text(bytes[i], text),
			    size_text(children->granule_bytes, granule));
		child->len_sectors = bytes[i] / children->granule_bytes *
				     (children->granule_bytes / SECTOR);
	}
	free(bytes);
}

/* Whether files on a range can be mapped in pieces of 2 MiB. */
static bool is_huge(struct segment *segment, const struct stack *stack)
{
	struct layout layout = { .segments = segment, .nr = 1 };

	return huge_all_aligned(stack, &layout);
}

/* Append them to a line. */
void children_line(const struct children *children, const struct stack *stack, struct line *line)
{
	size_t i = line->layout.nr;
	const struct child *child;

	for (child = children->children; child < children->children + children->nr; child++)
		line_add(line, child->dev, child->offset_sectors, child->len_sectors);
	/* What was joined to the last range starts where that does. */
	for (; i < line->layout.nr; i++) {
		struct segment *segment = &line->layout.segments[i];

		if (is_huge(segment, stack))
			continue;
		line->align_2m = false;
		note("%s does not start on 2 MiB here and in memory: files on it will be mapped in pages of 4 KiB",
		     block_path(segment->dev));
	}
}

/* Print what is used of each child, the first of which starts here in the device. */
void children_tell(const struct children *children, uint64_t start_sectors)
{
	struct columns columns = { .align = "rrlr" };
	char text[4][SIZE_TEXT_LEN];
	size_t i;

	columns_row(&columns, "start\tlength\tchild\tunused");
	for (i = 0; i < children->nr; i++) {
		const struct child *child = &children->children[i];

		columns_row(&columns, "%s\t%s\t%s\t%s", size_text(start_sectors * SECTOR, text[0]),
			    size_text(child->len_sectors * SECTOR, text[1]), child->given,
			    size_text((child->size_sectors - child->len_sectors) * SECTOR,
				      text[2]));
		start_sectors += child->len_sectors;
	}
	columns_print(&columns);
}
