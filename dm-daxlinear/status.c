// SPDX-License-Identifier: GPL-2.0
#include <crypto/sha2.h>

#include "compat.h"
#include "daxlinear.h"

/* The fields are documented in Documentation/daxlinear.rst.  Their order never changes. */
static void status_info(struct daxlinear *dl, char *result, unsigned int maxlen)
{
	struct dax_holder_counts counts;
	unsigned int sz = 0;

	dax_holder_count(dl->claim, &counts);
	DMEMIT("%u %u %u %llu %llu %llu %llu ", dl->table.nr_ranges, counts.children_alive,
	       counts.children_gone, counts.received, counts.forwarded, counts.handled,
	       counts.generic);
	if (counts.last_bytes == U64_MAX)
		DMEMIT("-");
	else
		DMEMIT("%llu", counts.last_bytes >> SECTOR_SHIFT);
	if (dl->lost_pmd == dl->table.nr_ranges)
		DMEMIT(" -");
	else
		DMEMIT(" %u", dl->lost_pmd);
}

/* Print the number of ranges and each of them, from @sz on; return where that ends. */
static unsigned int put_ranges(const struct daxlinear_table *table, char *result,
			       unsigned int maxlen, unsigned int sz)
{
	const struct daxlinear_range *range = table->ranges;
	unsigned int i;

	DMEMIT("%u", table->nr_ranges);
	for (i = 0; i < table->nr_ranges; i++, range++)
		DMEMIT(" %s %llu %llu", range->dev->name, daxlinear_offset(range),
		       daxlinear_len(range));
	return sz;
}

/* Print dm-linear's form where it is sufficient, the form with a count elsewhere. */
static void status_table(struct daxlinear *dl, char *result, unsigned int maxlen)
{
	const struct daxlinear_table *table = &dl->table;
	const struct daxlinear_range *range = table->ranges;
	unsigned int nr_options = table->align_pmd + table->align_2m + table->allow_move;
	unsigned int sz = 0;

	if (table->nr_ranges == 1 && !nr_options) {
		DMEMIT("%s %llu", range->dev->name, daxlinear_offset(range));
		return;
	}

	sz = put_ranges(table, result, maxlen, sz);
	if (nr_options)
		DMEMIT(" %u%s%s%s", nr_options, table->align_pmd ? " align_pmd" : "",
		       table->align_2m ? " align_2m" : "",
		       table->allow_move ? " allow_move" : "");
}

/* A measurement has room for some thirty ranges, so a hash stands for many. */
static void hash_ranges(const struct daxlinear_table *table, u8 *hash)
{
	const struct daxlinear_range *range = table->ranges;
	sha256_context context;
	unsigned int len, i;
	char line[64];

	sha256_init(&context);
	for (i = 0; i < table->nr_ranges; i++, range++) {
		len = scnprintf(line, sizeof(line), "%s %llu %llu\n", range->dev->name,
				daxlinear_offset(range), daxlinear_len(range));
		sha256_update(&context, line, len);
		cond_resched();
	}
	sha256_final(&context, hash);
}

/*
 * One range has dm-linear's fields, and a few are printed: device-mapper hashes the record, however
 * short it is, so another hash makes each load dearer.
 */
static void status_ima(struct dm_target *ti, struct daxlinear *dl, char *result,
		       unsigned int maxlen)
{
	const struct daxlinear_table *table = &dl->table;
	u8 hash[SHA256_DIGEST_SIZE];
	unsigned int sz = 0;

	DMEMIT_TARGET_NAME_VERSION(ti->type);
	if (table->nr_ranges == 1) {
		DMEMIT(",device_name=%s,start=%llu", table->ranges[0].dev->name,
		       daxlinear_offset(&table->ranges[0]));
	} else if (table->nr_ranges <= DAXLINEAR_FEW) {
		DMEMIT(",ranges=");
		sz = put_ranges(table, result, maxlen, sz);
	} else {
		hash_ranges(table, hash);
		DMEMIT(",nr_ranges=%u,ranges_hash=sha256:%*phN", table->nr_ranges,
		       (int)sizeof(hash), hash);
	}
	if (table->align_pmd || table->align_2m || table->allow_move)
		DMEMIT("%s%s%s", table->align_pmd ? ",align_pmd=y" : "",
		       table->align_2m ? ",align_2m=y" : "",
		       table->allow_move ? ",allow_move=y" : "");
	DMEMIT(";");
}

void daxlinear_status(struct dm_target *ti, status_type_t type, unsigned int status_flags,
		      char *result, unsigned int maxlen)
{
	struct daxlinear *dl = ti->private;

	switch (type) {
	case STATUSTYPE_INFO:
		status_info(dl, result, maxlen);
		break;
	case STATUSTYPE_TABLE:
		status_table(dl, result, maxlen);
		break;
	case STATUSTYPE_IMA:
		status_ima(ti, dl, result, maxlen);
		break;
	}
}
