# SPDX-License-Identifier: GPL-2.0
"""The limits of the numbers."""

from collections import namedtuple

from inside import ACCESS, DEAREST, FAILURE, INTERLEAVED, LOAD, MEMORY
from stacks import DAXLINEAR, LINEAR

# `value` may be `limit` at most
Bound = namedtuple("Bound", "what value limit")

# how much dearer it may be over all ranges than over one
MORE = 10
FAILURE_TIMES = 2
# a failure visits each device, and each range of those on the child
FAILURE_PER_DEVICE = 100
FAILURE_PER_RANGE = 25
LOAD_TIMES = 0.5
MEMORY_BYTES = 64


class Book:
    """Rows by what was counted, over which stack and how many ranges."""

    def __init__(self, rows):
        self.rows = rows
        self._values = {row[:4]: row.value for row in rows}

    def value(self, what, stack, ranges, devices=1):
        """Return a value, or None if it was not counted."""
        return self._values.get((what, stack, ranges, devices))

    def most(self, what, stack=DAXLINEAR):
        """Return the number of ranges of the largest device, 0 if it was not counted."""
        return max((row.ranges for row in self.rows if row[:2] == (what, stack)), default=0)


def _ranges(number):
    return f"{number} range{'s' * (number > 1)}"


def _uses(book, uses):
    """An access costs no more over daxlinear than over dm-linear, nor over many ranges."""
    for use in uses:
        for number in (1, 2):
            value = book.value(use.what, DAXLINEAR, number)
            if value is not None:
                yield Bound(f"{use.what}, {_ranges(number)}: dm-linear's",
                            value, book.value(use.what, LINEAR, number))
        most = book.most(use.what)
        if most > 2:
            yield Bound(f"{use.what}, {_ranges(most)}: {MORE} more than one range",
                        book.value(use.what, DAXLINEAR, most),
                        book.value(use.what, DAXLINEAR, 1) + MORE)


def _access(book):
    for what in (ACCESS, DEAREST):
        most = book.most(what)
        if most:
            yield Bound(f"{what}, {_ranges(most)}: {MORE} more than one range",
                        book.value(what, DAXLINEAR, most),
                        book.value(what, DAXLINEAR, 1) + MORE)


def _failure(book):
    for row in book.rows:
        if (row.what in (FAILURE, INTERLEAVED) and row.stack == DAXLINEAR
                and (row.ranges, row.devices) != (1, 1)):
            limit = (FAILURE_TIMES * book.value(FAILURE, DAXLINEAR, 1)
                     + row.devices * (FAILURE_PER_DEVICE + row.ranges * FAILURE_PER_RANGE))
            yield Bound(f"{row.what}, {row.devices} of {_ranges(row.ranges)}: "
                        f"{FAILURE_TIMES} times that of one, {FAILURE_PER_DEVICE} for each device, "
                        f"{FAILURE_PER_RANGE} for each range", row.value, limit)


def _load(book):
    most = book.most(LOAD)
    if most:
        yield Bound(f"{LOAD} of {_ranges(most)}, per range: {LOAD_TIMES} times dm-linear's",
                    book.value(LOAD, DAXLINEAR, most),
                    LOAD_TIMES * book.value(LOAD, LINEAR, most))
        yield Bound(f"{MEMORY} of {_ranges(most)}, per range: bytes",
                    book.value(MEMORY, DAXLINEAR, most), MEMORY_BYTES)


def bounds(rows, uses):
    """Return a Bound for each limit of which there are rows."""
    book = Book(rows)
    return [*_uses(book, uses), *_access(book), *_failure(book), *_load(book)]


def is_kept(bound):
    """Return whether a bound is kept."""
    return bound.value <= bound.limit
