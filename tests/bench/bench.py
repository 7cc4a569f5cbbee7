# SPDX-License-Identifier: GPL-2.0
"""Counts what raw pmem, dm-linear and daxlinear cost; inside a guest of `--icount`."""

import argparse
import sys

import inside
import uses
from bounds import bounds, is_kept
from geometry import by_page, few, geometries
from pages import pages
from report import judged, report, tables, write_csv
from tables import tables as count_tables

from lib.devices import nvdimm

NUMBERS = (1, 2, 16, 256, 4096, 65536)
# of an attached striped device
CHUNKS = (65536, 1 << 20)


def _all(first, second, seed):
    """Count everything; yield the rows of each step."""
    layouts = uses.layouts(first, second)
    yield "faults, reads and writes of files", uses.files(layouts)
    yield "O_DIRECT", uses.direct(layouts)
    yield "tables", count_tables(first, geometries(seed), seed)
    yield "page by page", pages(first, by_page(seed), seed)
    yield "lookups", inside.accesses(first, NUMBERS)
    yield "requests across ranges", inside.addresses(first, second)
    yield "failures", (inside.failures_of_ranges(first, (1, 16, 1024, 65536)) +
                       inside.failures_of_devices(first, (16, 1000)) +
                       inside.failures_of_both(first, 1000, 65) +
                       inside.failures_of_attached(first, (1, 16, 1000)) +
                       inside.failures_of_chunks(first, second, CHUNKS) +
                       inside.failures_of_whole(first, second, (16, 1024, 16384)))
    yield "loads", inside.loads(first, NUMBERS)


def _short(first, _second, seed):
    """Count accesses over some tables."""
    yield "tables", count_tables(first, few(seed), seed)
    yield "page by page", pages(first, by_page(seed), seed)


def _tables(first, _second, seed):
    """Count accesses over all tables."""
    yield "tables", count_tables(first, geometries(seed), seed)
    yield "page by page", pages(first, by_page(seed), seed)


def _missed(rows):
    return [bound for bound in bounds(rows) if not is_kept(bound)]


def _counted(steps, seed):
    """Return the rows of all steps."""
    rows = []
    for what, more in steps(*nvdimm.discover()[:2], seed):
        print(f"bench: {what}", flush=True)
        rows += more
    return rows


def main():
    """Count, and judge; return the exit code."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--seed", type=int, required=True, help="which tables to make up")
    parser.add_argument("--short", action="store_true", help="count over some of them alone")
    parser.add_argument("--seeds", type=int, default=0, metavar="N",
                        help="count over the tables of so many seeds alone, from this one on")
    options = parser.parse_args()
    missed = []
    for seed in range(options.seed, options.seed + (options.seeds or 1)):
        print(f"bench: the tables are those of SEED={seed}", flush=True)
        if options.short or options.seeds:
            rows = _counted(_short if options.short else _tables, seed)
            lines = [*tables(rows), "", *judged(rows), ""]
            print("\n".join(lines), flush=True)
        else:
            rows = _counted(_all, seed)
            write_csv("/results/bench.csv", rows)
            with open("/results/bench.txt", "w", encoding="ascii") as file:
                file.write("\n".join([*report(rows), ""]))
        missed += _missed(rows)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
