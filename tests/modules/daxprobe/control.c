// SPDX-License-Identifier: GPL-2.0
/*
 * daxprobe: acts as the filesystem on a mapped device and as the failing memory
 * below it, for tests.
 *
 * It takes the holder slot of a dax_device and records each notification.  It also
 * injects failures straight into the holder of a child: thousands of offsets are
 * checked in seconds, and no page is really poisoned.
 *
 * /sys/kernel/debug/daxprobe/control takes commands, one per line and many per
 * write.  DEV is major:minor; the node /dev/block/DEV must exist.
 *
 *	hold DEV [RC]		take the holder slot, return RC (0) for failures
 *	release DEV		leave the slot
 *	rc DEV RC		from now on return RC
 *	delay DEV MS		from now on sleep so long before returning; a handler
 *				that sleeps already returns after that time, too
 *	inject DEV OFF LEN FLAGS
 *				notify the holder of DEV of failed bytes
 *	late DEV OFF LEN FLAGS	notify dax_holder, as if it had been DEV's holder a
 *				moment ago, whether it still is or not
 *	phys DEV OFF [PAGES]	look up a page, as for a failure
 *	access DEV OFF [PAGES]	look up a page, as for an access to data
 *	synchronous DEV		return whether it promises synchronous faults
 *	zero DEV OFF		zero a page, as a filesystem does
 *	recover DEV OFF LEN BYTE
 *				write over a place that may be bad
 *	sum DEV OFF PAGES [HOW [MS]]
 *				request the address of PAGES pages, and read them
 *				all MS later, even if the answer is shorter;
 *				HOW: inside dax_read_lock() ("locked"), the same
 *				for a "recovery", or after it ("unlocked")
 *	fill DEV OFF PAGES BYTE	the same, and write BYTE to all of them
 *	reset			drop the records and the devices not held
 *
 * A write stops at the first command that fails.  It returns the length of what
 * was done before, so the rest starts with the command that failed; if that is the
 * first one, the write fails with its error.  phys and access answer on the same
 * open file, a line for each: "DEV OFF PFN PAGES", PAGES being the number of
 * contiguous pages, or "DEV OFF ERRNO 0" with a negative ERRNO.  recover answers
 * "DEV OFF WRITTEN 0", synchronous "DEV 0 YES 0" and sum "DEV OFF CRC32 PAGES",
 * PAGES being the answer's length, or "DEV OFF ERRNO 0", EFAULT if the address
 * is not valid for all of them.
 *
 * /sys/kernel/debug/daxprobe/calls is the record, in order:
 *
 *	inject SEQ PID DEV OFF LEN FLAGS RC	an injection returned
 *	call SEQ PID DEV OFF LEN FLAGS		the holder of DEV was notified
 *
 * SEQ of a call is that of the injection in which the same task is, or 0.  PID is
 * that of the thread.  "lost N" follows if there was no memory for N records.
 */
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kdev_t.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "command.h"
#include "node.h"
#include "records.h"

/* At most so much of a write is taken, up to the last whole line in it. */
#define WRITE_MAX	SZ_256K
/* Answers that wait to be read from one open file. */
#define ANSWERS_MAX	SZ_1M
#define ANSWER_MAX	96

/* An open control file. */
struct control {
	struct mutex lock;	/* protects the answers */
	char *answers;
	size_t len;
	size_t read;
};

static struct dentry *dir;

int parse_dev(char **line, dev_t *dev)
{
	char *word = strsep(line, " ");
	unsigned int major, minor;
	char end;

	if (!word || sscanf(word, "%u:%u%c", &major, &minor, &end) != 2)
		return -EINVAL;
	*dev = MKDEV(major, minor);
	return 0;
}

int parse_u64(char **line, u64 *value)
{
	char *word = strsep(line, " ");

	return word ? kstrtou64(word, 0, value) : -EINVAL;
}

int parse_int(char **line, int *value)
{
	char *word = strsep(line, " ");

	return word ? kstrtoint(word, 0, value) : -EINVAL;
}

struct device_node *node_named(char **line)
{
	dev_t dev;
	int err = parse_dev(line, &dev);

	return err ? ERR_PTR(err) : node_get(dev);
}

int answer(struct control *control, dev_t dev, u64 off, long pfn, long pages)
{
	int err = 0;

	mutex_lock(&control->lock);
	if (!control->answers)
		control->answers = kvmalloc(ANSWERS_MAX, GFP_KERNEL);
	if (!control->answers)
		err = -ENOMEM;
	else if (control->len + ANSWER_MAX > ANSWERS_MAX)
		err = -ENOSPC;
	else
		control->len += scnprintf(control->answers + control->len, ANSWER_MAX,
					  "%u:%u %llu %ld %ld\n", MAJOR(dev), MINOR(dev),
					  off, pfn, pages);
	mutex_unlock(&control->lock);
	return err;
}

static int do_reset(struct control *control, char *line)
{
	records_reset();
	nodes_forget_free();
	return 0;
}

static const struct {
	const char *name;
	int (*run)(struct control *control, char *line);
} commands[] = {
	{ "inject", do_inject },
	{ "late", do_late },
	{ "phys", do_phys },
	{ "access", do_access },
	{ "synchronous", do_synchronous },
	{ "zero", do_zero },
	{ "recover", do_recover },
	{ "sum", do_sum },
	{ "fill", do_fill },
	{ "hold", do_hold },
	{ "release", do_release },
	{ "rc", do_rc },
	{ "delay", do_delay },
	{ "reset", do_reset },
};

static int run_command(struct control *control, char *line)
{
	const char *name = strsep(&line, " ");
	unsigned int i;

	if (!*name)
		return 0;
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].name, name))
			return commands[i].run(control, line);
	return -EINVAL;
}

static int control_open(struct inode *inode, struct file *file)
{
	struct control *control = kzalloc(sizeof(*control), GFP_KERNEL);

	if (!control)
		return -ENOMEM;
	mutex_init(&control->lock);
	file->private_data = control;
	return 0;
}

static int control_release(struct inode *inode, struct file *file)
{
	struct control *control = file->private_data;

	kvfree(control->answers);
	kfree(control);
	return 0;
}

static ssize_t control_write(struct file *file, const char __user *from, size_t count,
			     loff_t *pos)
{
	struct control *control = file->private_data;
	char *buffer, *line, *next;
	size_t done = 0;
	int err = 0;

	count = min_t(size_t, count, WRITE_MAX);
	buffer = kvmalloc(count + 1, GFP_KERNEL);
	if (!buffer)
		return -ENOMEM;
	if (copy_from_user(buffer, from, count)) {
		kvfree(buffer);
		return -EFAULT;
	}
	buffer[count] = '\0';

	for (line = buffer; !err && (next = strchr(line, '\n')); line = next) {
		*next++ = '\0';
		err = run_command(control, line);
		if (!err)
			done = next - buffer;
		else
			break;
		cond_resched();
	}
	kvfree(buffer);
	if (done)
		return done;
	/* No line ends within the most that is taken. */
	return err ?: count ? -EINVAL : 0;
}

static ssize_t control_read(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	struct control *control = file->private_data;
	ssize_t n;

	mutex_lock(&control->lock);
	n = min(count, control->len - control->read);
	if (n && copy_to_user(to, control->answers + control->read, n)) {
		n = -EFAULT;
	} else {
		control->read += n;
		if (control->read == control->len) {
			control->read = 0;
			control->len = 0;
		}
	}
	mutex_unlock(&control->lock);
	return n;
}

static const struct file_operations control_fops = {
	.owner = THIS_MODULE,
	.open = control_open,
	.release = control_release,
	.read = control_read,
	.write = control_write,
	.llseek = noop_llseek,
};

static int __init daxprobe_init(void)
{
	int err = nodes_init();

	if (err)
		return err;
	dir = debugfs_create_dir("daxprobe", NULL);
	debugfs_create_file("control", 0600, dir, NULL, &control_fops);
	records_init(dir);
	return 0;
}

static void __exit daxprobe_exit(void)
{
	/* Waits for commands that are running. */
	debugfs_remove(dir);
	nodes_exit();
	records_exit();
}

module_init(daxprobe_init);
module_exit(daxprobe_exit);

MODULE_DESCRIPTION("Test probe: a holder of dax_devices that records, and an injector of failures");
MODULE_AUTHOR("The dm-daxlinear developers");
MODULE_LICENSE("GPL");
