// SPDX-License-Identifier: GPL-2.0
/*
 * daxprobe: plays the filesystem on a mapped device and the failing memory
 * below it, for tests.
 *
 * It takes the holder slot of a dax_device and records what it is told, and it
 * injects failures straight into the holder of a child, so that thousands of
 * offsets are checked in seconds and no page is really poisoned.
 *
 * /sys/kernel/debug/daxprobe/control takes commands, one a line and many a
 * write.  DEV is major:minor; the node /dev/block/DEV must exist.
 *
 *	hold DEV [RC]		take the holder slot, answer RC (0) to failures
 *	release DEV		leave the slot
 *	rc DEV RC		from now on answer RC
 *	delay DEV MS		from now on sleep so long before answering
 *	inject DEV OFF LEN FLAGS
 *				tell the holder of DEV that bytes failed
 *	late DEV OFF LEN FLAGS	tell dax_holder, as if it had been DEV's holder a
 *				moment ago, whoever is now
 *	phys DEV OFF [PAGES]	look a page up, the way a failure is looked up
 *	access DEV OFF [PAGES]	look a page up, the way data is accessed
 *	synchronous DEV		ask whether it promises synchronous faults
 *	zero DEV OFF		zero a page, as a filesystem does
 *	recover DEV OFF LEN BYTE
 *				write over a place that may be bad
 *	reset			forget the records and the devices not held
 *
 * A write stops at the first command that fails.  It returns the length of what
 * was done before, so what is left starts with the culprit; if that is the very
 * first, the write fails with its error.  phys and access answer on the same
 * open file, a line for each: "DEV OFF PFN PAGES", PAGES being how many follow
 * one another, or "DEV OFF ERRNO 0" with a negative ERRNO.  recover answers
 * "DEV OFF WRITTEN 0" and synchronous "DEV 0 YES 0".
 *
 * /sys/kernel/debug/daxprobe/calls is the record, in order:
 *
 *	inject SEQ PID DEV OFF LEN FLAGS RC	an injection returned
 *	call SEQ PID DEV OFF LEN FLAGS		a held device was told
 *
 * A call's SEQ is the injection that the same task is in, or 0.  PID is that of
 * the thread.  "lost N" follows if there was no memory for N records.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/blkdev.h>
#include <linux/dax.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/hashtable.h>
#include <linux/kprobes.h>
#include <linux/kref.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pfn_t.h>
#include <linux/sched/mm.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

/* A write is taken up to the last whole line in so much of it. */
#define WRITE_MAX	SZ_256K
/* Answers of phys and access that wait to be read from one open file. */
#define ANSWERS_MAX	SZ_1M
#define ANSWER_MAX	96

#define CHUNK_RECORDS	16384
#define MAX_CHUNKS	256

/* A dax_device that a command named. */
struct device_node {
	struct hlist_node by_dev;
	struct hlist_node by_dax;
	struct kref kref;
	dev_t dev;
	struct dax_device *dax_dev;
	bool held;
	int rc;
	unsigned int delay_ms;
};

/* An injection under way, on its task's stack. */
struct injection {
	struct hlist_node node;
	struct task_struct *task;
	u64 seq;
};

struct record {
	u64 seq;
	u64 off;
	u64 len;
	dev_t dev;
	pid_t pid;
	int flags;
	int rc;
	bool is_call;
};

/* An open control file. */
struct control {
	struct mutex lock;	/* guards the answers */
	char *answers;
	size_t len;
	size_t read;
};

/* Orders those who look devices up for the first time, hold and release. */
static DEFINE_MUTEX(nodes_mutex);
/* Guards the hash tables; never held across a call out of this module. */
static DEFINE_SPINLOCK(nodes_lock);
static DEFINE_HASHTABLE(nodes_by_dev, 10);
static DEFINE_HASHTABLE(nodes_by_dax, 10);
static DEFINE_HASHTABLE(injections, 6);
static atomic64_t last_seq = ATOMIC64_INIT(0);

/* Keeps reset away from a reader of the records. */
static DEFINE_MUTEX(records_mutex);
/* Guards what appends to the records. */
static DEFINE_SPINLOCK(records_lock);
static struct record *chunks[MAX_CHUNKS];
static size_t nr_records;
static u64 nr_lost;

static struct dentry *dir;
static struct dax_device *dummy;

/* Room for the next record, or for as many as fit; called with no lock held. */
static struct record *chunk_alloc(void)
{
	unsigned int noio = memalloc_noio_save();
	struct record *chunk;

	/* A failure may be on its way, so reclaim must not wait for a device. */
	chunk = kvmalloc_array(CHUNK_RECORDS, sizeof(*chunk), GFP_KERNEL);
	memalloc_noio_restore(noio);
	return chunk;
}

static void record(const struct record *new)
{
	struct record *spare = NULL;
	size_t chunk;

	for (;;) {
		spin_lock(&records_lock);
		chunk = nr_records / CHUNK_RECORDS;
		if (chunk < MAX_CHUNKS && !chunks[chunk]) {
			chunks[chunk] = spare;
			spare = NULL;
		}
		if (chunk < MAX_CHUNKS && chunks[chunk]) {
			chunks[chunk][nr_records % CHUNK_RECORDS] = *new;
			/* Pairs with the reader's: what it counts, it may read. */
			smp_store_release(&nr_records, nr_records + 1);
			break;
		}
		spin_unlock(&records_lock);

		if (chunk < MAX_CHUNKS)
			spare = chunk_alloc();
		if (!spare) {
			spin_lock(&records_lock);
			nr_lost++;
			break;
		}
	}
	spin_unlock(&records_lock);
	kvfree(spare);
}

static void node_free(struct kref *kref)
{
	struct device_node *node = container_of(kref, struct device_node, kref);

	put_dax(node->dax_dev);
	kfree(node);
}

static void node_put(struct device_node *node)
{
	kref_put(&node->kref, node_free);
}

static u64 current_seq(void)
{
	struct injection *injection;
	u64 seq = 0;

	spin_lock(&nodes_lock);
	hash_for_each_possible(injections, injection, node, (unsigned long)current)
		if (injection->task == current)
			seq = injection->seq;
	spin_unlock(&nodes_lock);
	return seq;
}

/* By the time we run, the slot may be empty again or somebody else's. */
static struct device_node *node_find_dax(struct dax_device *dax_dev)
{
	struct device_node *node, *found = NULL;

	spin_lock(&nodes_lock);
	hash_for_each_possible(nodes_by_dax, node, by_dax, (unsigned long)dax_dev)
		if (node->dax_dev == dax_dev) {
			found = node;
			kref_get(&found->kref);
			break;
		}
	spin_unlock(&nodes_lock);
	return found;
}

static int probe_notify_failure(struct dax_device *dax_dev, u64 off, u64 len, int mf_flags)
{
	struct device_node *node = node_find_dax(dax_dev);
	unsigned int delay_ms;
	int rc;

	if (!node)
		return -EOPNOTSUPP;
	record(&(struct record){
		.is_call = true,
		.seq = current_seq(),
		.pid = task_pid_nr(current),
		.dev = node->dev,
		.off = off,
		.len = len,
		.flags = mf_flags,
	});
	delay_ms = READ_ONCE(node->delay_ms);
	rc = READ_ONCE(node->rc);
	node_put(node);
	if (delay_ms)
		msleep(delay_ms);
	return rc;
}

static const struct dax_holder_operations probe_ops = {
	.notify_failure = probe_notify_failure,
};

static struct device_node *node_find(dev_t dev)
{
	struct device_node *node, *found = NULL;

	spin_lock(&nodes_lock);
	hash_for_each_possible(nodes_by_dev, node, by_dev, dev)
		if (node->dev == dev) {
			found = node;
			kref_get(&found->kref);
			break;
		}
	spin_unlock(&nodes_lock);
	return found;
}

static bool node_alive(const struct device_node *node)
{
	bool alive;
	int id;

	id = dax_read_lock();
	alive = dax_alive(node->dax_dev);
	dax_read_unlock(id);
	return alive;
}

/* The caller holds nodes_mutex and a reference. */
static void node_release(struct device_node *node)
{
	if (!node->held)
		return;
	node->held = false;
	fs_put_dax(node->dax_dev, node);
}

/* The caller holds nodes_mutex and a reference. */
static void node_forget(struct device_node *node)
{
	node_release(node);
	spin_lock(&nodes_lock);
	hash_del(&node->by_dev);
	hash_del(&node->by_dax);
	spin_unlock(&nodes_lock);
	node_put(node);
}

/*
 * By name, because how the kernel opens a block device by its number changed
 * more than once.
 */
static struct file *device_open(dev_t dev)
{
	char path[40];

	snprintf(path, sizeof(path), "/dev/block/%u:%u", MAJOR(dev), MINOR(dev));
	return filp_open(path, O_RDONLY | O_LARGEFILE, 0);
}

static struct block_device *file_device(struct file *file)
{
	return I_BDEV(file->f_mapping->host);
}

static int node_add(dev_t dev)
{
	struct device_node *node;
	struct file *file;
	u64 start;

	node = kzalloc(sizeof(*node), GFP_KERNEL);
	if (!node)
		return -ENOMEM;
	file = device_open(dev);
	if (IS_ERR(file)) {
		kfree(node);
		return PTR_ERR(file);
	}
	node->dax_dev = fs_dax_get_by_bdev(file_device(file), &start, NULL, NULL);
	filp_close(file, NULL);
	if (!node->dax_dev) {
		kfree(node);
		return -EOPNOTSUPP;
	}
	kref_init(&node->kref);
	node->dev = dev;

	spin_lock(&nodes_lock);
	hash_add(nodes_by_dev, &node->by_dev, dev);
	hash_add(nodes_by_dax, &node->by_dax, (unsigned long)node->dax_dev);
	spin_unlock(&nodes_lock);
	return 0;
}

/*
 * The device of that number, looked up again if the one that we know is gone.
 * The caller puts the reference.
 */
static struct device_node *node_get(dev_t dev)
{
	struct device_node *node = node_find(dev);
	int err = 0;

	if (node && node_alive(node))
		return node;
	if (node)
		node_put(node);

	mutex_lock(&nodes_mutex);
	node = node_find(dev);
	if (node && !node_alive(node)) {
		node_forget(node);
		node_put(node);
		node = NULL;
	}
	if (!node) {
		err = node_add(dev);
		if (!err)
			node = node_find(dev);
	}
	mutex_unlock(&nodes_mutex);
	return err ? ERR_PTR(err) : node;
}

static int parse_dev(char **line, dev_t *dev)
{
	char *word = strsep(line, " ");
	unsigned int major, minor;
	char end;

	if (!word || sscanf(word, "%u:%u%c", &major, &minor, &end) != 2)
		return -EINVAL;
	*dev = MKDEV(major, minor);
	return 0;
}

static int parse_u64(char **line, u64 *value)
{
	char *word = strsep(line, " ");

	return word ? kstrtou64(word, 0, value) : -EINVAL;
}

static int parse_int(char **line, int *value)
{
	char *word = strsep(line, " ");

	return word ? kstrtoint(word, 0, value) : -EINVAL;
}

static int hold(struct device_node *node)
{
	struct file *file;
	int err = -EBUSY;
	u64 start;

	/* The kernel leaks a reference each time that it refuses a second holder. */
	if (dax_holder(node->dax_dev))
		return -EBUSY;
	file = device_open(node->dev);
	if (IS_ERR(file))
		return PTR_ERR(file);
	if (fs_dax_get_by_bdev(file_device(file), &start, node, &probe_ops)) {
		node->held = true;
		err = 0;
	}
	filp_close(file, NULL);
	return err;
}

static int do_hold(struct control *control, char *line)
{
	struct device_node *node;
	int err, rc = 0;
	dev_t dev;

	err = parse_dev(&line, &dev);
	if (!err && line)
		err = parse_int(&line, &rc);
	if (err)
		return err;
	node = node_get(dev);
	if (IS_ERR(node))
		return PTR_ERR(node);
	mutex_lock(&nodes_mutex);
	if (!node->held) {
		WRITE_ONCE(node->rc, rc);
		WRITE_ONCE(node->delay_ms, 0);
	}
	err = hold(node);
	mutex_unlock(&nodes_mutex);
	node_put(node);
	return err;
}

/* Not node_get(): the device may be gone by now. */
static struct device_node *node_held(char **line)
{
	struct device_node *node;
	dev_t dev;
	int err;

	err = parse_dev(line, &dev);
	if (err)
		return ERR_PTR(err);
	node = node_find(dev);
	if (node && !READ_ONCE(node->held)) {
		node_put(node);
		node = NULL;
	}
	return node ?: ERR_PTR(-ENOENT);
}

static int do_release(struct control *control, char *line)
{
	struct device_node *node = node_held(&line);

	if (IS_ERR(node))
		return PTR_ERR(node);
	mutex_lock(&nodes_mutex);
	node_release(node);
	mutex_unlock(&nodes_mutex);
	node_put(node);
	return 0;
}

static int do_rc(struct control *control, char *line)
{
	struct device_node *node = node_held(&line);
	int err, rc;

	if (IS_ERR(node))
		return PTR_ERR(node);
	err = parse_int(&line, &rc);
	if (!err)
		WRITE_ONCE(node->rc, rc);
	node_put(node);
	return err;
}

static int do_delay(struct control *control, char *line)
{
	struct device_node *node = node_held(&line);
	int err, ms;

	if (IS_ERR(node))
		return PTR_ERR(node);
	err = parse_int(&line, &ms);
	if (!err)
		WRITE_ONCE(node->delay_ms, ms);
	node_put(node);
	return err;
}

typedef int (*notify_fn)(struct dax_device *dax_dev, u64 off, u64 len, int mf_flags);

static int inject(char *line, notify_fn notify)
{
	struct injection injection = {
		.task = current,
	};
	struct record done = {
		.pid = task_pid_nr(current),
	};
	struct device_node *node;
	int err;

	err = parse_dev(&line, &done.dev);
	if (!err)
		err = parse_u64(&line, &done.off);
	if (!err)
		err = parse_u64(&line, &done.len);
	if (!err)
		err = parse_int(&line, &done.flags);
	if (err)
		return err;
	node = node_get(done.dev);
	if (IS_ERR(node))
		return PTR_ERR(node);

	done.seq = atomic64_inc_return(&last_seq);
	injection.seq = done.seq;
	spin_lock(&nodes_lock);
	hash_add(injections, &injection.node, (unsigned long)current);
	spin_unlock(&nodes_lock);

	done.rc = notify(node->dax_dev, done.off, done.len, done.flags);

	spin_lock(&nodes_lock);
	hash_del(&injection.node);
	spin_unlock(&nodes_lock);
	record(&done);
	node_put(node);
	return 0;
}

static int do_inject(struct control *control, char *line)
{
	return inject(line, dax_holder_notify_failure);
}

/* The kernel reads the slot first and calls its handler then: so can we, later. */
static notify_fn late_handler;

static int late_notify(struct dax_device *dax_dev, u64 off, u64 len, int mf_flags)
{
	int id = dax_read_lock();
	int rc = late_handler(dax_dev, off, len, mf_flags);

	dax_read_unlock(id);
	return rc;
}

static int do_late(struct control *control, char *line)
{
	/* Only to find the address of a function that is not exported. */
	struct kprobe probe = { .symbol_name = "dax_holder:slot_notify_failure" };
	int err;

	err = register_kprobe(&probe);
	if (err)
		return err;
	late_handler = (notify_fn)probe.addr;
	unregister_kprobe(&probe);
	return inject(line, late_notify);
}

static int answer(struct control *control, dev_t dev, u64 off, long pfn, long pages)
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

static int lookup(struct control *control, char *line, enum dax_access_mode mode)
{
	struct device_node *node;
	u64 off, pages = 1;
	pfn_t pfn;
	dev_t dev;
	int err, id;
	long nr;

	err = parse_dev(&line, &dev);
	if (!err)
		err = parse_u64(&line, &off);
	if (!err && line)
		err = parse_u64(&line, &pages);
	if (err)
		return err;
	node = node_get(dev);
	if (IS_ERR(node))
		return PTR_ERR(node);

	id = dax_read_lock();
	nr = dax_direct_access(node->dax_dev, off >> PAGE_SHIFT, pages, mode, NULL, &pfn);
	dax_read_unlock(id);
	node_put(node);
	if (nr <= 0)
		return answer(control, dev, off, nr, 0);
	return answer(control, dev, off, pfn_t_to_pfn(pfn), nr);
}

static int do_phys(struct control *control, char *line)
{
	return lookup(control, line, DAX_RECOVERY_WRITE);
}

static int do_access(struct control *control, char *line)
{
	return lookup(control, line, DAX_ACCESS);
}

static int do_synchronous(struct control *control, char *line)
{
	struct device_node *node;
	bool yes;
	dev_t dev;
	int err;

	err = parse_dev(&line, &dev);
	if (err)
		return err;
	node = node_get(dev);
	if (IS_ERR(node))
		return PTR_ERR(node);
	yes = dax_synchronous(node->dax_dev);
	node_put(node);
	return answer(control, dev, 0, yes, 0);
}

static int do_zero(struct control *control, char *line)
{
	struct device_node *node;
	dev_t dev;
	int err, id;
	u64 off;

	err = parse_dev(&line, &dev);
	if (!err)
		err = parse_u64(&line, &off);
	if (err)
		return err;
	node = node_get(dev);
	if (IS_ERR(node))
		return PTR_ERR(node);
	id = dax_read_lock();
	err = dax_zero_page_range(node->dax_dev, off >> PAGE_SHIFT, 1);
	dax_read_unlock(id);
	node_put(node);
	return err;
}

/* What dax_iomap_iter() does when it meets a bad place. */
static ssize_t recover(struct dax_device *dax_dev, u64 off, struct kvec *vec)
{
	struct iov_iter iter;
	void *addr;
	long nr;
	int id;

	iov_iter_kvec(&iter, WRITE, vec, 1, vec->iov_len);
	id = dax_read_lock();
	nr = dax_direct_access(dax_dev, off >> PAGE_SHIFT, 1, DAX_RECOVERY_WRITE, &addr, NULL);
	if (nr > 0)
		nr = dax_recovery_write(dax_dev, off >> PAGE_SHIFT,
					(char *)addr + offset_in_page(off), vec->iov_len, &iter);
	dax_read_unlock(id);
	return nr;
}

static int do_recover(struct control *control, char *line)
{
	struct device_node *node;
	int err, byte = 0;
	struct kvec vec;
	ssize_t written;
	u64 off, len;
	dev_t dev;

	err = parse_dev(&line, &dev);
	if (!err)
		err = parse_u64(&line, &off);
	if (!err)
		err = parse_u64(&line, &len);
	if (!err)
		err = parse_int(&line, &byte);
	if (err)
		return err;
	if (len > SZ_1M)
		return -EINVAL;
	vec.iov_len = len;
	vec.iov_base = kvmalloc(len, GFP_KERNEL);
	if (!vec.iov_base)
		return -ENOMEM;
	memset(vec.iov_base, byte, len);
	node = node_get(dev);
	if (IS_ERR(node)) {
		err = PTR_ERR(node);
	} else {
		written = recover(node->dax_dev, off, &vec);
		node_put(node);
		err = answer(control, dev, off, written, 0);
	}
	kvfree(vec.iov_base);
	return err;
}

/* Memory is kept for the records to come. */
static int do_reset(struct control *control, char *line)
{
	struct device_node *node;
	struct hlist_node *next;
	int bucket;

	mutex_lock(&records_mutex);
	spin_lock(&records_lock);
	nr_records = 0;
	nr_lost = 0;
	spin_unlock(&records_lock);
	mutex_unlock(&records_mutex);

	/* The mutex keeps all but ourselves from taking nodes off. */
	mutex_lock(&nodes_mutex);
	hash_for_each_safe(nodes_by_dev, bucket, next, node, by_dev)
		if (!node->held)
			node_forget(node);
	mutex_unlock(&nodes_mutex);
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
	/* No end of a line in all of it: nothing that we take. */
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

/* One position past the records is the line that says how many were lost. */
static void *calls_at(loff_t pos)
{
	/* Pairs with the writer's: the record is whole before it counts. */
	size_t nr = smp_load_acquire(&nr_records);

	if (pos < nr)
		return &chunks[pos / CHUNK_RECORDS][pos % CHUNK_RECORDS];
	return pos == nr && READ_ONCE(nr_lost) ? &nr_lost : NULL;
}

static void *calls_start(struct seq_file *seq, loff_t *pos)
{
	mutex_lock(&records_mutex);
	return calls_at(*pos);
}

static void *calls_next(struct seq_file *seq, void *v, loff_t *pos)
{
	++*pos;
	return calls_at(*pos);
}

static void calls_stop(struct seq_file *seq, void *v)
{
	mutex_unlock(&records_mutex);
}

static int calls_show(struct seq_file *seq, void *v)
{
	const struct record *r = v;

	if (v == &nr_lost) {
		seq_printf(seq, "lost %llu\n", READ_ONCE(nr_lost));
		return 0;
	}
	seq_printf(seq, "%s %llu %d %u:%u %llu %llu %d", r->is_call ? "call" : "inject",
		   r->seq, r->pid, MAJOR(r->dev), MINOR(r->dev), r->off, r->len, r->flags);
	if (r->is_call)
		seq_putc(seq, '\n');
	else
		seq_printf(seq, " %d\n", r->rc);
	return 0;
}

static const struct seq_operations calls_sops = {
	.start = calls_start,
	.next = calls_next,
	.stop = calls_stop,
	.show = calls_show,
};

DEFINE_SEQ_ATTRIBUTE(calls);

static int __init daxprobe_init(void)
{
	dummy = alloc_dax(NULL, NULL);
	if (IS_ERR_OR_NULL(dummy))
		return dummy ? PTR_ERR(dummy) : -EOPNOTSUPP;
	dir = debugfs_create_dir("daxprobe", NULL);
	debugfs_create_file("control", 0600, dir, NULL, &control_fops);
	debugfs_create_file("calls", 0400, dir, NULL, &calls_fops);
	return 0;
}

static void __exit daxprobe_exit(void)
{
	struct device_node *node;
	struct hlist_node *next;
	int bucket;

	/* Waits for whoever is in a command. */
	debugfs_remove(dir);

	/*
	 * Leave the slots, wait until no failure is in our code any more, and
	 * only then forget what it looks devices up in.
	 */
	mutex_lock(&nodes_mutex);
	hash_for_each(nodes_by_dev, bucket, node, by_dev)
		node_release(node);
	kill_dax(dummy);
	hash_for_each_safe(nodes_by_dev, bucket, next, node, by_dev)
		node_forget(node);
	mutex_unlock(&nodes_mutex);
	put_dax(dummy);

	for (bucket = 0; bucket < MAX_CHUNKS; bucket++)
		kvfree(chunks[bucket]);
}

module_init(daxprobe_init);
module_exit(daxprobe_exit);

MODULE_DESCRIPTION("Test probe: a holder of dax_devices that records, and an injector of failures");
MODULE_AUTHOR("The dm-daxlinear developers");
MODULE_LICENSE("GPL");
