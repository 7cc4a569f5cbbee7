// SPDX-License-Identifier: GPL-2.0
#include <linux/debugfs.h>
#include <linux/kdev_t.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched/mm.h>
#include <linux/seq_file.h>
#include <linux/spinlock.h>

#include "records.h"

#define CHUNK_RECORDS	16384
#define MAX_CHUNKS	256

/* Excludes a reset while the records are read. */
static DEFINE_MUTEX(records_mutex);
/* Protects additions to the records. */
static DEFINE_SPINLOCK(records_lock);
static struct record *chunks[MAX_CHUNKS];
static size_t nr_records;
static u64 nr_lost;

/* Make room for the next record, or as many as fit; called with no lock held. */
static struct record *chunk_alloc(void)
{
	unsigned int noio = memalloc_noio_save();
	struct record *chunk;

	/* A failure may be in flight, so reclaim must not wait for a device. */
	chunk = kvmalloc_array(CHUNK_RECORDS, sizeof(*chunk), GFP_KERNEL);
	memalloc_noio_restore(noio);
	return chunk;
}

void record(const struct record *new)
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
			/* Pairs with the reader's: what is counted may be read. */
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

/* Drop all records.  Their memory is kept for new ones. */
void records_reset(void)
{
	mutex_lock(&records_mutex);
	spin_lock(&records_lock);
	nr_records = 0;
	nr_lost = 0;
	spin_unlock(&records_lock);
	mutex_unlock(&records_mutex);
}

/* After the file is removed, and no holder is left to be notified. */
void records_exit(void)
{
	unsigned int i;

	for (i = 0; i < MAX_CHUNKS; i++)
		kvfree(chunks[i]);
}

/* The position after the last record is the line of lost records. */
static void *calls_at(loff_t pos)
{
	/* Pairs with the writer's: a record is complete before it is counted. */
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

/* Create the file. */
void records_init(struct dentry *dir)
{
	debugfs_create_file("calls", 0400, dir, NULL, &calls_fops);
}
