# SPDX-License-Identifier: GPL-2.0
"""Counts what raw pmem, dm-linear and daxlinear cost; inside a guest of `--icount`."""

import argparse
import sys

import inside
import uses
from bounds import bounds, is_kept
from report import report, write_csv
from stacks import DAXLINEAR, LINEAR

from lib.devices import nvdimm

NUMBERS = (1, 2, 16, 256, 4096, 65536)
SHORT = 4096


def _all(first, second):
    """Count everything; yield the rows of each step."""
    layouts = uses.layouts(first, second)
    yield "faults, reads and writes of files", uses.files(layouts)
    yield "O_DIRECT", uses.direct(layouts)
    yield "lookups", inside.accesses(first, NUMBERS) + inside.searches(first, 20000)
    yield "requests across ranges", inside.addresses(first, second)
    yield "failures", (inside.failures_of_ranges(first, (1, 16, 1024, 65536)) +
                       inside.failures_of_devices(first, (16, 1000)) +
                       inside.failures_of_both(first, 1000, 65))
    yield "loads", inside.loads(first, NUMBERS)


def _short(first, _second):
    """Count a fault and a lookup over few ranges and over many."""
    one = uses.many(first, 1)
    compared = [(LINEAR, one), (DAXLINEAR, one), (DAXLINEAR, uses.many(first, SHORT))]
    yield "lookups", inside.accesses(first, (1, SHORT))
    yield "faults", uses.files(compared, uses.FAULTS)


def main():
    """Count, and judge; return the exit code."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--short", action="store_true",
                        help="a fault and a lookup; fail if they cost too much")
    options = parser.parse_args()
    first, second = nvdimm.discover()[:2]
    rows = []
    for what, more in (_short if options.short else _all)(first, second):
        print(f"bench: {what}", flush=True)
        rows += more
    if not options.short:
        write_csv("/results/bench.csv", rows)
        text = "\n".join(report(rows, uses.FILE_USES + uses.DEVICE_USES))
        with open("/results/bench.txt", "w", encoding="ascii") as file:
            file.write(f"{text}\n")
        return 0
    missed = [bound for bound in bounds(rows, uses.FAULTS) if not is_kept(bound)]
    for bound in bounds(rows, uses.FAULTS):
        print(f"bench: {bound.what}: {bound.value} of at most {bound.limit}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
