# SPDX-License-Identifier: GPL-2.0
"""Counts of the kernel's work: lookups, failures, loads."""

import contextlib
import gc
import itertools
import math
import os
import re
import tempfile
import time

from count import Row, count, instructions, typical
from daxbench import Bench
from stacks import DAXLINEAR, LINEAR, RAW, device, request
from tables import ACCESS, DEAREST

from lib.command import read_file, write_file
from lib.dm.device import Device
from lib.dm.target import DaxLinear, Linear, Striped
from lib.holders.attach import attached
from lib.units import MIB_SECTORS, PAGE_SECTORS

FAILURE, INTERLEAVED = "failure", "failure under interleaved devices"
ATTACHED, STRIPED = "failure under attached devices", "failure under an attached striped device"
GONE_LINES, GONE_RANGES = "child gone under lines", "child gone under ranges"
FAILURE_WHATS = (FAILURE, INTERLEAVED, ATTACHED, STRIPED, GONE_LINES, GONE_RANGES)
LOAD, MEMORY = "load", "memory"
# by one address and without a page frame number, as copy-on-write asks for them
ADDRESS = "one address for {} pages"
ADDRESS_PAGES = (2, 25, 257, 16385)

# failures counted of each kind, spread over all ranges
FAILURES = 512
# chunks of a striped target
STRIPED_PAGES = 1 << 16


def even(child, number, first=0):
    """Return ranges of a page each, the last of the child first."""
    return [(child, (first + number - 1 - at) * PAGE_SECTORS, PAGE_SECTORS)
            for at in range(number)]


def _access(bench, stack, ranges):
    """Look up all pages; return the mean cost, and the largest one."""
    pages = sum(sectors for _, _, sectors in ranges) // PAGE_SECTORS
    number = 0 if stack == RAW else len(ranges)
    with device(stack, ranges) as path:
        samples = bench.access(path, 0, 1, pages)
    return [instructions(ACCESS, stack, number, sum(samples) / pages),
            instructions(DEAREST.format(ACCESS), stack, number, max(samples))]


def accesses(child, numbers):
    """Count direct_access of every page, over all ranges."""
    rows = []
    with Bench() as bench:
        rows += _access(bench, RAW, even(child, max(numbers)))
        for number in numbers:
            for stack in (LINEAR, DAXLINEAR):
                rows += _access(bench, stack, even(child, number))
    return rows


def addresses(first, second):
    """Count a request for many pages: in one range, and with an end of a range in it."""
    rows = []
    half = max(ADDRESS_PAGES)
    one = [(first, 0, 2 * half * PAGE_SECTORS)]
    two = [(child, 0, half * PAGE_SECTORS) for child in (first, second)]
    with Bench() as bench:
        for ranges in (one, two):
            with device(DAXLINEAR, ranges) as path:
                for pages in ADDRESS_PAGES:
                    samples = bench.address(path, half - 1, pages, 31)
                    rows.append(instructions(ADDRESS.format(f"{pages:,}"), DAXLINEAR, len(ranges),
                                             typical(samples)))
    return rows


@contextlib.contextmanager
def _alone(bench, child):
    """Keep the kernel's workers from running, and wake up first the one that a failure wakes up.

    That one notifies readers of the record's files. Whether a failure has to wake it up depends on
    when it last ran, and not on what is counted. The log's rate limit starts with this one as well.
    """
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    try:
        bench.fail(child.path, 0, 1, 1)
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def _fail(bench, child, pages):
    """Fail pages that are spread over so many; return the typical cost."""
    number = min(pages, FAILURES)
    with _alone(bench, child):
        samples = bench.fail(child.path, 0, pages // number, number)
    assert all(samples), "no holder was notified"
    return typical(samples)


def failures_of_ranges(child, numbers):
    """Count a failure under one device of many ranges, and of the NVDIMM itself."""
    rows = []
    for stack, number in ((RAW, 0), *[(DAXLINEAR, number) for number in numbers]):
        with device(stack, even(child, max(number, 1))) as path, Bench() as bench:
            bench.hold(path)
            rows.append(instructions(FAILURE, stack, number, _fail(bench, child, max(number, 1))))
    return rows


@contextlib.contextmanager
def _held(layouts):
    """Yield a bench that holds a device for each layout."""
    with contextlib.ExitStack() as stack:
        bench = stack.enter_context(Bench())
        for ranges in layouts:
            bench.hold(stack.enter_context(device(DAXLINEAR, ranges)))
        yield bench


def failures_of_devices(child, numbers):
    """Count a failure under many devices of a range each, that lie one after the other."""
    rows = []
    for number in numbers:
        with _held([even(child, 1, at) for at in range(number)]) as bench:
            rows.append(instructions(FAILURE, DAXLINEAR, 1, _fail(bench, child, number),
                                     devices=number))
    return rows


def failures_of_both(child, devices, ranges):
    """Count a failure under many devices of many ranges, which lie interleaved."""
    layouts = [[(child, (one * devices + at) * PAGE_SECTORS, PAGE_SECTORS)
                for one in range(ranges)] for at in range(devices)]
    with _held(layouts) as bench:
        return [instructions(INTERLEAVED, DAXLINEAR, ranges,
                             _fail(bench, child, devices * ranges), devices=devices)]


def failures_of_attached(child, numbers):
    """Count a failure under many attached devices of a range each, one after the other."""
    rows = []
    for number in numbers:
        with contextlib.ExitStack() as stack:
            bench = stack.enter_context(Bench())
            for at in range(number):
                made = stack.enter_context(Device(Linear(PAGE_SECTORS, child, at * PAGE_SECTORS)))
                stack.enter_context(attached(made, child))
                bench.hold(made.path)
            rows.append(instructions(ATTACHED, LINEAR, 1, _fail(bench, child, number),
                                     devices=number))
    return rows


def failures_of_chunks(first, second, numbers):
    """Count a failure of a page behind all chunks, so that all are looked at before it is found."""
    rows = []
    for number in numbers:
        stripes = [(child, MIB_SECTORS) for child in (first, second)]
        chunks = min(number, STRIPED_PAGES)
        striped = Striped(chunks * PAGE_SECTORS, PAGE_SECTORS, stripes)
        with (Device(*[striped] * (number // chunks), Linear(PAGE_SECTORS, first)) as made,
              attached(made, first), Bench() as bench):
            bench.hold(made.path)
            rows.append(instructions(STRIPED, LINEAR, number, _fail(bench, first, 1)))
    return rows


def _gone(child, *targets):
    with Device(*targets) as made, Bench() as bench:
        bench.hold(made.path)
        with _alone(bench, child):
            cost = bench.gone(child.path)
    assert cost, "no holder was notified"
    return cost


def failures_of_whole(first, second, numbers):
    """Count that a child goes away, under one line and under many, half of which are on it."""
    rows = []
    for number in numbers:
        ranges = [(child, at * PAGE_SECTORS, PAGE_SECTORS)
                  for at in range(number // 2) for child in (first, second)]
        lines = [DaxLinear(sectors, child, offset) for child, offset, sectors in ranges]
        for what, targets in ((GONE_RANGES, [DaxLinear.ranges(ranges)]), (GONE_LINES, lines)):
            rows.append(instructions(what, DAXLINEAR, number, _gone(first, *targets)))
    return rows


def _taken_bytes():
    """Return how much memory the kernel has allocated."""
    write_file("/proc/sys/vm/drop_caches", 3)
    fields = dict(re.findall(r"(\w+): +(\d+) kB", read_file("/proc/meminfo")))
    return 1024 * sum(int(fields[name]) for name in ("Slab", "VmallocUsed", "Percpu"))


def _kernel_bytes():
    """Return the same once everything is freed that is freed later."""
    gc.collect()
    before, now = math.inf, _taken_bytes()
    while now < before:
        # for grace periods; the guest's clock counts nothing meanwhile
        time.sleep(0.2)
        before, now = now, _taken_bytes()
    return now


def _load(child, stack, number):
    """Count loading a table, and the memory that it takes."""
    with Device() as made, tempfile.NamedTemporaryFile() as file:
        file.write(request(made.name, stack, even(child, number)))
        file.flush()
        before = _kernel_bytes()
        load = typical(count("load", 101 if number <= 256 else 5, file.name))
        return load, _kernel_bytes() - before


def loads(child, numbers):
    """Count loading a table, and the memory that it takes, both per range."""
    rows = []
    # Without another device each load would make slabs for device-mapper's bios. That takes 90,000
    # instructions, and some thousands more or fewer with the other slabs and their directories.
    with device(LINEAR, even(child, 1)):
        for number, stack in itertools.product(numbers, (LINEAR, DAXLINEAR)):
            load, taken = _load(child, stack, number)
            rows.append(instructions(LOAD, stack, number, load / number))
            # memory is counted in pages, so it means nothing for few ranges
            if number >= 4096:
                rows.append(Row(MEMORY, stack, number, 1, round(taken / number, 1), "bytes"))
    return rows
