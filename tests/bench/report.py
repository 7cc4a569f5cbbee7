# SPDX-License-Identifier: GPL-2.0
"""The table for people, and the file for gnuplot."""

import csv

from bounds import Book, bounds, is_kept
from count import INSTRUCTIONS, Row
from inside import ADDRESS, ADDRESS_PAGES, FAILURE_WHATS, LOAD, MEMORY
from stacks import DAXLINEAR, LINEAR, RAW
from tables import ACCESS, DEAREST, DIRECT_READ
from tables import FILE_USES as TABLE_USES
from uses import DEVICE_USES, FILE_USES

_USE_COLUMNS = ((RAW, 0), (LINEAR, 1), (DAXLINEAR, 1), (LINEAR, 2), (DAXLINEAR, 2))


def write_csv(path, rows):
    """Write rows to a file."""
    with open(path, "w", encoding="ascii", newline="") as file:
        # gnuplot ignores an empty last column unless it is quoted
        csv.writer(file, quoting=csv.QUOTE_NONNUMERIC,
                   lineterminator="\n").writerows([Row._fields, *rows])


def _text(value):
    if value is None:
        return "-"
    return f"{value:,.1f}".removesuffix(".0")


def _table(head, lines):
    """Return lines in columns, the first aligned to the left, the others to the right."""
    lines = [head, *[[line[0], *map(_text, line[1:])] for line in lines]]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return ["  ".join([line[0].ljust(widths[0]),
                       *[word.rjust(width) for word, width in zip(line[1:], widths[1:])]])
            for line in lines]


def _uses(book):
    head = ["", RAW, *[f"{stack}, {number}" for stack, number in _USE_COLUMNS[1:]]]
    lines = [[use.what, *[book.value(use.what, *column) for column in _USE_COLUMNS]]
             for use in FILE_USES + DEVICE_USES]
    return _table(head, lines)


def tables(rows):
    """Return the lines of what was counted over tables of all geometries."""
    whats = (ACCESS, DEAREST.format(ACCESS), TABLE_USES[0].what, TABLE_USES[2].what,
             DIRECT_READ.what)
    rows = [row for row in rows if row.table and row.what in whats]
    values = {(row.table, row.what, row.stack): row.value for row in rows}
    names = list(dict.fromkeys(row.table for row in rows))
    return _table(["", *[word for what in whats for word in (what, "daxlinear")]],
                  [[name, *[values.get((name, what, stack)) for what in whats
                            for stack in (LINEAR, DAXLINEAR)]] for name in names])


def _by_ranges(book, *whats):
    columns = [(what, stack) for what in whats for stack in (LINEAR, DAXLINEAR)]
    head = ["ranges", *[f"{what.split()[0]}: {stack}" for what, stack in columns]]
    numbers = sorted({row.ranges for row in book.rows if row.what in whats and row.ranges})
    return _table(head, [[f"{number:,}", *[book.value(*column, number) for column in columns]]
                         for number in numbers])


def _addresses(book):
    whats = [ADDRESS.format(f"{pages:,}") for pages in ADDRESS_PAGES]
    return _table(["", "in one range", "across two"],
                  [[what, *[book.value(what, DAXLINEAR, number) for number in (1, 2)]]
                   for what in whats])


def _others(book):
    yield f"{ACCESS}, {RAW}: {_text(book.value(ACCESS, RAW, 0))}"
    for row in book.rows:
        if row.what in FAILURE_WHATS:
            over = (f"ranges: {row.ranges:,}, devices: {row.devices:,}" if row.ranges
                    else row.stack)
            yield f"{row.what}, {over}: {_text(row.value)}"


def judged(rows):
    """Return a line for each limit."""
    return [f"{'kept' if is_kept(bound) else 'MISSED':6} {_text(bound.value)} <= "
            f"{_text(bound.limit)}  {bound.what}" for bound in bounds(rows)]


def report(rows):
    """Return the lines of the table."""
    book = Book(rows)
    return [f"Guest {INSTRUCTIONS}, over devices of one range and of two:", "",
            *_uses(book), "", f"{ACCESS}, mean of all pages and dearest:", "",
            *_by_ranges(book, ACCESS, DEAREST.format(ACCESS)), "",
            "Tables of all geometries, 4 KiB, dm-linear and daxlinear:", "", *tables(rows), "",
            f"A load, {INSTRUCTIONS} per range, and the memory it takes, bytes per range:", "",
            *_by_ranges(book, LOAD, MEMORY), "", *_addresses(book), "", *_others(book), "",
            *judged(rows)]
