/* SPDX-License-Identifier: GPL-2.0 */
/* Block devices, as sysfs describes them. */
#ifndef SYSFS_H
#define SYSFS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

char *read_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

bool device_number(const char *text, dev_t *dev);
bool block_exists(dev_t dev);
char *block_name(dev_t dev);
char *block_path(dev_t dev);
uint64_t block_sectors(dev_t dev);
unsigned int block_sector_bytes(dev_t dev);
uint64_t block_start(dev_t dev);
dev_t block_disk(dev_t dev);
bool block_has_dax(dev_t dev);
bool block_is_mapped(dev_t dev);

#endif
