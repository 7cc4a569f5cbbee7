// SPDX-License-Identifier: GPL-2.0
#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/hashtable.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

#include "command.h"
#include "holder.h"
#include "node.h"
#include "records.h"

/* An injection in flight, on its task's stack. */
struct injection {
	struct hlist_node node;
	struct task_struct *task;
	u64 seq;
};

static DEFINE_SPINLOCK(injections_lock);
static DEFINE_HASHTABLE(injections, 6);
static atomic64_t last_seq = ATOMIC64_INIT(0);

static u64 current_seq(void)
{
	struct injection *injection;
	u64 seq = 0;

	spin_lock(&injections_lock);
	hash_for_each_possible(injections, injection, node, (unsigned long)current)
		if (injection->task == current)
			seq = injection->seq;
	spin_unlock(&injections_lock);
	return seq;
}

/* The slot may be empty by now, or have another holder. */
static int probe_notify_failure(struct dax_device *dax_dev, u64 off, u64 len, int mf_flags)
{
	struct device_node *node = node_find_dax(dax_dev);
	unsigned int ms;
	int rc;

	/* XFS sleeps here: it reads metadata to find the owner of the page. */
	might_sleep();
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
	rc = READ_ONCE(node->rc);
	/* A command may shorten the delay meanwhile. */
	for (ms = 0; ms < READ_ONCE(node->delay_ms); ms++)
		usleep_range(900, 1000);
	node_put(node);
	return rc;
}

const struct dax_holder_operations probe_ops = {
	.notify_failure = probe_notify_failure,
};

int do_hold(struct control *control, char *line)
{
	struct device_node *node = node_named(&line);
	int err = 0, rc = 0;

	if (IS_ERR(node))
		return PTR_ERR(node);
	if (line)
		err = parse_int(&line, &rc);
	if (!err)
		err = node_hold(node, rc);
	node_put(node);
	return err;
}

/* Not node_named(), which opens the device: it may be gone by now. */
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

int do_release(struct control *control, char *line)
{
	struct device_node *node = node_held(&line);

	if (IS_ERR(node))
		return PTR_ERR(node);
	node_release(node);
	node_put(node);
	return 0;
}

int do_rc(struct control *control, char *line)
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

int do_delay(struct control *control, char *line)
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
	struct device_node *node = node_named(&line);
	int err;

	if (IS_ERR(node))
		return PTR_ERR(node);
	err = parse_u64(&line, &done.off);
	if (!err)
		err = parse_u64(&line, &done.len);
	if (!err)
		err = parse_int(&line, &done.flags);
	if (err)
		goto put;

	done.dev = node->dev;
	done.seq = atomic64_inc_return(&last_seq);
	injection.seq = done.seq;
	spin_lock(&injections_lock);
	hash_add(injections, &injection.node, (unsigned long)current);
	spin_unlock(&injections_lock);

	done.rc = notify(node->dax_dev, done.off, done.len, done.flags);

	spin_lock(&injections_lock);
	hash_del(&injection.node);
	spin_unlock(&injections_lock);
	record(&done);
put:
	node_put(node);
	return err;
}

int do_inject(struct control *control, char *line)
{
	return inject(line, dax_holder_notify_failure);
}

/*
 * The kernel reads the slot and calls the handler after that.  This calls dax_holder's handler
 * at any later time.
 */
static notify_fn late_handler;

static int late_notify(struct dax_device *dax_dev, u64 off, u64 len, int mf_flags)
{
	int id = dax_read_lock();
	int rc = late_handler(dax_dev, off, len, mf_flags);

	dax_read_unlock(id);
	return rc;
}

int do_late(struct control *control, char *line)
{
	/* A kprobe gives the address of a function that is not exported. */
	struct kprobe probe = { .symbol_name = "dax_holder:dxh_notify_failure" };
	int err;

	err = register_kprobe(&probe);
	if (err)
		return err;
	late_handler = (notify_fn)probe.addr;
	unregister_kprobe(&probe);
	return inject(line, late_notify);
}
