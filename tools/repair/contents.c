// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/param.h>

#include "fs/blocks.h"
#include "repair/contents.h"
#include "util/alloc.h"
#include "util/progress.h"
#include "util/size.h"

#define PIECE	MIB

/* The first byte from @offset on that is in no bad block, and how many follow, to a piece. */
static uint64_t next_piece(const struct contents *contents, uint64_t *offset)
{
	uint64_t end = MIN(contents->size, *offset + PIECE);
	size_t i;

	for (i = 0; i < contents->nr_bad; i++) {
		const struct bad_block *bad = &contents->bad[i];

		if (*offset >= bad->offset && *offset < bad->offset + contents->block)
			*offset = bad->offset + contents->block;
		else if (bad->offset > *offset)
			return MIN(MIN(contents->size, *offset + PIECE), bad->offset) - *offset;
	}
	end = MIN(contents->size, *offset + PIECE);
	return end > *offset ? end - *offset : 0;
}

static struct difference compare_piece(const struct contents *contents, uint64_t offset,
				       uint64_t len, char *data, char *other)
{
	uint64_t i;

	if (!block_read(contents->fd, data, len, offset))
		return (struct difference){ FILE_UNREADABLE, offset };
	if (contents->backup < 0)
		return (struct difference){ SAME, 0 };
	if (!block_read(contents->backup, other, len, offset))
		return (struct difference){ BACKUP_UNREADABLE, offset };
	if (!memcmp(data, other, len))
		return (struct difference){ SAME, 0 };
	for (i = 0; data[i] == other[i]; i++)
		;
	return (struct difference){ DIFFERENT, offset + i };
}

/* Find the block of a piece that can't be read. */
static struct difference narrow(const struct contents *contents, uint64_t offset, uint64_t len,
				char *data, char *other)
{
	struct difference found = { SAME, 0 };
	uint64_t at;

	for (at = 0; at < len && found.what == SAME; at += contents->block)
		found = compare_piece(contents, offset + at, MIN(contents->block, len - at), data,
				      other);
	return found;
}

/* Compare all that is in no bad block.  Without a backup, all of it is read. */
struct difference contents_compare(const struct contents *contents)
{
	char *data = malloc(PIECE), *other = malloc(PIECE), text[SIZE_TEXT_LEN];
	struct difference found = { SAME, 0 };
	uint64_t offset = 0, len;
	int err = errno;

	/* What the page cache has is no proof of what the memory has. */
	if (!file_uses_dax(contents->fd)) {
		posix_fadvise(contents->fd, 0, 0, POSIX_FADV_DONTNEED);
		/* Read-ahead would read a bad block with good ones before it, and fail for all. */
		posix_fadvise(contents->fd, 0, 0, POSIX_FADV_RANDOM);
	}
	while (data && other && found.what == SAME &&
	       (len = next_piece(contents, &offset))) {
		progress("comparing %s: at %s", contents->path, size_text(offset, text));
		found = compare_piece(contents, offset, len, data, other);
		if (found.what == FILE_UNREADABLE || found.what == BACKUP_UNREADABLE)
			found = narrow(contents, offset, len, data, other);
		err = errno;
		offset += len;
	}
	progress_end();
	if (!data || !other)
		err = ENOMEM, found = (struct difference){ FILE_UNREADABLE, 0 };
	free(data);
	free(other);
	errno = err;
	return found;
}

/* What a block is to contain: zeros behind the end.  False, with errno, if it can't be read. */
bool contents_wanted(const struct contents *contents, uint64_t offset, void *data)
{
	memset(data, 0, contents->block);
	return contents->backup < 0 || offset >= contents->size ||
	       block_read(contents->backup, data, MIN(contents->block, contents->size - offset),
			  offset);
}
