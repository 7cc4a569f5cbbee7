# SPDX-License-Identifier: GPL-2.0
"""The limits of the numbers."""

from collections import namedtuple

import pages
import tables
from geometry import MANY, TWO
from inside import (ATTACHED, FAILURE, FAILURES, GONE_LINES, GONE_RANGES, INTERLEAVED, LOAD, MEMORY,
                    STRIPED)
from stacks import DAXLINEAR, LINEAR
from tables import ACCESS, DEAREST
from uses import DEVICE_USES, FILE_USES

# `value` may be `limit` at most
Bound = namedtuple("Bound", "what value limit")

# Over more than so many ranges a page may be dearer than over dm-linear, if its target is among the
# first on each level of device-mapper's tree and its bucket has many ranges.
FLAT = 72
PAGE_MORE = 32
BIO_MORE = 40
# how much dearer a fault may be over 20,000 ranges than over two
MORE = 30
FAILURE_TIMES = 2
# a failure visits each device, and each range of those on the child
FAILURE_PER_DEVICE = 100
FAILURE_PER_RANGE = 25
# it enters the child's record, which has a range for each failure before it
FAILURE_PER_RECORDED = 25
# an attached device is searched: a look-up for each piece of its memory
FAILURE_PER_ATTACHED = 500
FAILURE_PER_CHUNK = 600
# a child that goes away: a look-up for each range on it
GONE_PER_RANGE = 700
LOAD_TIMES = 0.5
# a load of one range makes a claim, and dm-linear's makes none
LOAD_MORE = 5000
MEMORY_BYTES = 64


class Book:
    """Rows by what was counted, over which stack and how many ranges; without those of tables."""

    def __init__(self, rows):
        self.rows = [row for row in rows if not row.table]
        self._values = {row[:4]: row.value for row in self.rows}

    def value(self, what, stack, ranges, devices=1):
        """Return a value, or None if it was not counted."""
        return self._values.get((what, stack, ranges, devices))

    def most(self, what, stack=DAXLINEAR):
        """Return the number of ranges of the largest device, 0 if it was not counted."""
        return max((row.ranges for row in self.rows if row[:2] == (what, stack)), default=0)


def _ranges(number):
    return f"{number} range{'s' * (number > 1)}"


def _uses(book):
    """An access costs no more over daxlinear than over dm-linear."""
    for use in FILE_USES + DEVICE_USES:
        for number in (1, 2):
            value = book.value(use.what, DAXLINEAR, number)
            if value is not None:
                yield Bound(f"{use.what}, {_ranges(number)}: dm-linear's",
                            value, book.value(use.what, LINEAR, number))


def _access(book):
    for what in (ACCESS, DEAREST.format(ACCESS)):
        for row in book.rows:
            if row[:2] == (what, DAXLINEAR):
                yield Bound(f"{what}, {_ranges(row.ranges)}: dm-linear's", row.value,
                            book.value(what, LINEAR, row.ranges))


def _tables(rows):
    """Over no table does a use cost more than over dm-linear: the table that comes closest."""
    values = {(row.what, row.table, row.stack): row.value for row in rows if row.table}
    for what in (name for use in tables.WHATS for name in (use, DEAREST.format(use))):
        bounds_of = [Bound(f"{what}, {row.table}: dm-linear's", row.value,
                           values[what, row.table, LINEAR])
                     for row in rows if row.table and row[:2] == (what, DAXLINEAR)]
        if bounds_of:
            yield max(bounds_of, key=lambda bound: bound.value - bound.limit)
    for use in tables.FILE_USES[:2]:
        if (use.what, MANY, DAXLINEAR) in values:
            yield Bound(f"{use.what}, {MANY}: {MORE} more than {TWO}",
                        values[use.what, MANY, DAXLINEAR],
                        values[use.what, TWO, DAXLINEAR] + MORE)


def _page_more(row):
    if row.ranges <= FLAT:
        return 0
    return BIO_MORE if row.what == pages.BIO else PAGE_MORE


def _pages(rows):
    """Of the tables of one limit, the one with the dearest page."""
    dearest: dict = {}
    for row in rows:
        if row.what in pages.WHATS:
            key = (row.what, _page_more(row))
            dearest[key] = max(dearest.get(key, row), row, key=lambda one: one.value)
    for (what, more), row in dearest.items():
        yield Bound(f"{what}, {row.table}: {more} more than dm-linear's", row.value, more)


def _failure(book):
    for row in book.rows:
        if (row.what in (FAILURE, INTERLEAVED) and row.stack == DAXLINEAR
                and (row.ranges, row.devices) != (1, 1)):
            limit = (FAILURE_TIMES * book.value(FAILURE, DAXLINEAR, 1)
                     + row.devices * (FAILURE_PER_DEVICE + row.ranges * FAILURE_PER_RANGE)
                     + min(row.devices * row.ranges, FAILURES) * FAILURE_PER_RECORDED)
            yield Bound(f"{row.what}, {row.devices} of {_ranges(row.ranges)}: "
                        f"{FAILURE_TIMES} times that of one, {FAILURE_PER_DEVICE} for each device, "
                        f"{FAILURE_PER_RANGE} for each range, {FAILURE_PER_RECORDED} for each "
                        "failure before", row.value, limit)


def _search(book):
    start = FAILURE_TIMES * (book.value(FAILURE, DAXLINEAR, 1) or 0)
    for row in book.rows:
        if row.what == ATTACHED:
            yield Bound(f"{row.what}, {row.devices}: {FAILURE_PER_ATTACHED} for each",
                        row.value, start + FAILURE_PER_ATTACHED * row.devices)
        elif row.what == STRIPED:
            yield Bound(f"{row.what}, {row.ranges} chunks: {FAILURE_PER_CHUNK} for each",
                        row.value, start + FAILURE_PER_CHUNK * row.ranges)
        elif row.what in (GONE_LINES, GONE_RANGES):
            yield Bound(f"{row.what}, {row.ranges}: {GONE_PER_RANGE} for each",
                        row.value, start + GONE_PER_RANGE * row.ranges)


def _load(book):
    most = book.most(LOAD)
    if most:
        yield Bound(f"{LOAD} of {_ranges(1)}: {LOAD_MORE} more than dm-linear's",
                    book.value(LOAD, DAXLINEAR, 1), book.value(LOAD, LINEAR, 1) + LOAD_MORE)
        yield Bound(f"{LOAD} of {_ranges(most)}, per range: {LOAD_TIMES} times dm-linear's",
                    book.value(LOAD, DAXLINEAR, most),
                    LOAD_TIMES * book.value(LOAD, LINEAR, most))
        yield Bound(f"{MEMORY} of {_ranges(most)}, per range: bytes",
                    book.value(MEMORY, DAXLINEAR, most), MEMORY_BYTES)


def bounds(rows):
    """Return a Bound for each limit of which there are rows."""
    book = Book(rows)
    return [*_uses(book), *_access(book), *_tables(rows), *_pages(rows), *_failure(book),
            *_search(book), *_load(book)]


def is_kept(bound):
    """Return whether a bound is kept."""
    return bound.value <= bound.limit
