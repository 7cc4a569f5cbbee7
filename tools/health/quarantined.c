// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "health/quarantined.h"
#include "util/alloc.h"

/* List the files; @root is the root of the filesystem. */
void quarantined_read(struct quarantined *quarantined, int root)
{
	int fd = openat(root, QUARANTINE, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;

	*quarantined = (struct quarantined){ 0 };
	while (folder && (entry = readdir(folder))) {
		if (entry->d_type != DT_REG ||
		    strncmp(entry->d_name, QUARANTINE_PREFIX, strlen(QUARANTINE_PREFIX)))
			continue;
		quarantined->inodes = grow(quarantined->inodes, quarantined->nr,
					   sizeof(*quarantined->inodes));
		quarantined->inodes[quarantined->nr++] = entry->d_ino;
	}
	if (folder)
		closedir(folder);
}

/* Whether the owner is the contents of such a file.  Its metadata is in use as any other. */
bool quarantined_has(const struct quarantined *quarantined, const struct owner *owner)
{
	size_t i;

	for (i = 0; i < quarantined->nr; i++)
		if (owner->inode == quarantined->inodes[i])
			return owner_is_data(owner);
	return false;
}

/*
 * How much of a range such files have, and no other owner.  The contents of the file @inode, if
 * that is not 0, count as theirs.
 */
uint64_t quarantined_bytes(const struct quarantined *quarantined, const struct owners *owners,
			   const struct bad *bad, uint64_t inode)
{
	uint64_t end = bad->start_bytes + bad->len_bytes, at, next, bytes = 0;
	size_t i;

	for (at = bad->start_bytes; at < end; at = next) {
		bool kept = false, used = false;

		/* Up to the next place at which an owner begins or ends. */
		next = end;
		for (i = 0; i < owners->nr; i++) {
			const struct owner *owner = &owners->owners[i];
			uint64_t owner_end = owner->start_bytes + owner->len_bytes;

			if (owner->start_bytes > at) {
				next = MIN(next, owner->start_bytes);
			} else if (owner_end > at) {
				next = MIN(next, owner_end);
				if (quarantined_has(quarantined, owner) ||
				    (owner->inode == inode && owner_is_data(owner)))
					kept = true;
				else
					used = true;
			}
		}
		if (kept && !used)
			bytes += next - at;
	}
	return bytes;
}

void quarantined_free(struct quarantined *quarantined)
{
	free(quarantined->inodes);
	*quarantined = (struct quarantined){ 0 };
}
