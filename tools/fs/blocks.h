/* SPDX-License-Identifier: GPL-2.0 */
/* The blocks of files: where they are, and to share them. */
#ifndef BLOCKS_H
#define BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum block_state {
	BLOCK_HOLE,
	BLOCK_RESERVED,		/* allocated, and never written */
	BLOCK_WRITTEN,
	BLOCK_UNKNOWN,		/* errno has why */
};

enum block_state block_find_run(int fd, uint64_t offset, uint64_t *place, uint64_t *len);
enum block_state block_find(int fd, uint64_t offset, uint64_t *place);
bool block_share(int from, uint64_t from_offset, uint64_t len, int to, uint64_t to_offset);
bool block_read(int fd, void *data, size_t len, uint64_t offset);
bool block_write(int fd, const void *data, size_t len, uint64_t offset);
bool file_uses_dax(int fd);
bool folder_set_dax(int fd, bool dax);
bool file_set_nodump(int fd);
bool file_set_plain(int fd);
int file_open_inode(int root, uint64_t inode, int flags);

#endif
