/* SPDX-License-Identifier: GPL-2.0 */
/* The commands of the control file, and the parsing that they share. */
#ifndef DAXPROBE_COMMAND_H
#define DAXPROBE_COMMAND_H

#include <linux/types.h>

struct control;
struct device_node;

/* Parse the next word of a line. */
int parse_u64(char **line, u64 *value);
int parse_int(char **line, int *value);
int parse_dev(char **line, dev_t *dev);
/* Get the device that the next word names; look it up if need be.  The caller puts it. */
struct device_node *node_named(char **line);

/* Add an answer to the open file from which the command came. */
int answer(struct control *control, dev_t dev, u64 off, long pfn, long pages);

int do_hold(struct control *control, char *line);
int do_release(struct control *control, char *line);
int do_rc(struct control *control, char *line);
int do_delay(struct control *control, char *line);
int do_inject(struct control *control, char *line);
int do_late(struct control *control, char *line);
int do_phys(struct control *control, char *line);
int do_access(struct control *control, char *line);
int do_synchronous(struct control *control, char *line);
int do_zero(struct control *control, char *line);
int do_recover(struct control *control, char *line);
int do_sum(struct control *control, char *line);
int do_fill(struct control *control, char *line);

#endif
