// SPDX-License-Identifier: GPL-2.0
/* Which ranges lose PMD mappings, on a child whose memory is in pieces. */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/types.h>
#include <string.h>

#include "../../dm-daxlinear/table.h"
#include "unit.h"

/* What huge.c takes from the kernel and from daxlinear.h. */
#define DAXLINEAR_H
#define PAGE_SECTORS_SHIFT	(PAGE_SHIFT - 9)
#define ERR_PTR(err)		((void *)(long)(err))

enum dax_access_mode { DAX_ACCESS, DAX_RECOVERY_WRITE };
typedef struct { unsigned long pfn; } pfn_t;

struct dm_dev {
	void *bdev;
	void *dax_dev;
};

struct daxlinear {
	unsigned int lost_pmd;
	struct daxlinear_table table;
};

struct dm_target {
	struct daxlinear *private;
};

#define PMD		(PMD_SIZE / PAGE_SIZE)
#define NR_PIECES	3

/* Pieces of memory, one after the other in the child; the last one is without end. */
static struct {
	pgoff_t page;
	unsigned long pfn;
	bool none;
} pieces[NR_PIECES];

static char message[400];

static int dax_read_lock(void)
{
	return 0;
}

static void dax_read_unlock(int id)
{
	(void)id;
}

static unsigned long pfn_t_to_pfn(pfn_t pfn)
{
	return pfn.pfn;
}

/* No answer reaches past a piece, as none reaches past a line of a child's table. */
static long dax_direct_access(void *dax_dev, pgoff_t page, long nr_pages,
			      enum dax_access_mode mode, void *kaddr, pfn_t *pfn)
{
	unsigned int i = 0;

	(void)dax_dev;
	(void)mode;
	(void)kaddr;
	while (i + 1 < NR_PIECES && pieces[i + 1].page && pieces[i + 1].page <= page)
		i++;
	if (pieces[i].none)
		return -EIO;
	pfn->pfn = pieces[i].pfn + (page - pieces[i].page);
	if (i + 1 < NR_PIECES && pieces[i + 1].page && pieces[i + 1].page - page < nr_pages)
		return pieces[i + 1].page - page;
	return nr_pages;
}

static sector_t daxlinear_offset(const struct daxlinear_range *range)
{
	return (sector_t)daxlinear_page(range, range->start) << PAGE_SECTORS_SHIFT;
}

__printf(4, 5)
static int daxlinear_refuse(struct dm_target *ti, int err, char *error, const char *fmt, ...)
{
	va_list args;

	(void)ti;
	CHECK(error[0]);
	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	return err;
}

int daxlinear_check_pmd(struct dm_target *ti, unsigned int i);

#include "../../dm-daxlinear/huge.c"

/* Check a range of the child, with the option by each name and without; is it refused? */
static bool loses(pgoff_t start, pgoff_t page, pgoff_t nr)
{
	struct daxlinear *dl = calloc(1, sizeof(*dl) + 2 * sizeof(dl->table.ranges[0]));
	struct dm_target ti = { .private = dl };
	struct dm_dev dev = { 0 };
	unsigned int way;
	bool lost;

	dl->table.nr_ranges = 1;
	dl->table.ranges[0] = (struct daxlinear_range){
		.start = start, .delta = page - start, .dev = &dev,
	};
	dl->table.ranges[1].start = start + nr;
	for (way = 0; way < 3; way++) {
		dl->lost_pmd = 1;
		dl->table.align_pmd = way == 1;
		dl->table.align_2m = way == 2;
		message[0] = '\0';
		lost = daxlinear_check_pmd(&ti, 0);
		CHECK(way ? lost == !dl->lost_pmd : !lost);
		CHECK(!lost == !message[0]);
		CHECK(!lost || strstr(message, way == 1 ? "leave align_pmd out" :
				      "leave align_2m out"));
	}
	lost = !dl->lost_pmd;
	free(dl);
	return lost;
}

static void one_piece(unsigned long pfn)
{
	memset(pieces, 0, sizeof(pieces));
	pieces[0].pfn = pfn;
}

static void places(void)
{
	char text[40];

	one_piece(5 * PMD);
	CHECK(!loses(0, 0, 4 * PMD) && !loses(3 * PMD, PMD, PMD) && !loses(PMD, 0, PMD + 1));
	CHECK(loses(0, 1, 4 * PMD) && loses(1, 0, 4 * PMD) && loses(0, PMD - 1, PMD));
	/* Half a PMD of 32 MiB is a multiple of 2 MiB, and holds no mapping in one piece. */
	CHECK(loses(0, PMD / 2, 4 * PMD) && loses(PMD / 2, 0, 4 * PMD));
	snprintf(text, sizeof(text), "are not both on %lu MiB; ", PMD_SIZE >> 20);
	CHECK(strstr(message, text));
	/* Off in the device and in memory alike is off all the same. */
	CHECK(loses(PMD / 2, PMD / 2, 4 * PMD));
	one_piece(5 * PMD + PMD / 2);
	CHECK(loses(0, 0, 4 * PMD) && !loses(0, PMD / 2, 4 * PMD));
}

static void pieces_of_memory(void)
{
	one_piece(0);
	pieces[1].page = 2 * PMD;
	pieces[1].pfn = 9 * PMD;
	CHECK(!loses(0, 0, 4 * PMD) && loses(PMD, PMD + PMD / 2, 2 * PMD));
	pieces[1].pfn = 9 * PMD + PMD / 2;
	CHECK(loses(0, 0, 4 * PMD) && !loses(0, 0, 2 * PMD));
	/* The memory goes on, but a mapping would be in two lines of the child. */
	pieces[1].page = PMD + PMD / 2;
	pieces[1].pfn = PMD + PMD / 2;
	CHECK(loses(0, 0, 4 * PMD));
	pieces[1].none = true;
	CHECK(loses(0, 0, 4 * PMD) && strstr(message, "has no memory"));
}

/* In one piece, a range loses mappings if and only if it starts off a PMD on either side. */
static void random_place(void)
{
	unsigned long pfn = unit_below(4 * PMD);
	pgoff_t start = unit_below(2) ? PMD * unit_below(4) : unit_below(4 * PMD);
	pgoff_t page = unit_below(2) ? 4 * PMD - pfn : unit_below(8 * PMD);

	one_piece(pfn);
	CHECK(loses(start, page, 1 + unit_below(8 * PMD)) ==
	      (start % PMD || (pfn + page) % PMD));
}

int main(int argc, char **argv)
{
	unsigned long cases = argc > 1 ? strtoul(argv[1], NULL, 0) : 1000000;

	places();
	pieces_of_memory();
	for (unit_case = 0; unit_case < cases; unit_case++)
		random_place();
	printf("pmd: %lu random ranges with PMDs of %lu MiB are aligned or refused\n", cases,
	       PMD_SIZE >> 20);
	return 0;
}
