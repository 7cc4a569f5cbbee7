# SPDX-License-Identifier: GPL-2.0
"""Counts of a process's accesses: faults, reads and writes of files and of the device."""

import contextlib
import os
import tempfile
from collections import namedtuple

from count import count, instructions, typical
from stacks import DAXLINEAR, LINEAR, RAW, device

from lib.fs.xfs import Xfs
from lib.units import HUGE, MIB, MIB_SECTORS, PAGE

# A device is as large as two allocation groups, one in each of two ranges.
GROUP = 240 * MIB

# a kind of access, and where in the file or in each half of the device
Use = namedtuple("Use", "what verb size count offset")

FILE_USES = (
    Use("4 KiB read fault", "read-fault", PAGE, 256, 0),
    Use("4 KiB write fault", "write-fault", PAGE, 256, 2 * MIB),
    Use("2 MiB read fault", "read-fault", HUGE, 15, 6 * MIB),
    Use("2 MiB write fault", "write-fault", HUGE, 15, 36 * MIB),
    Use("4 KiB read()", "read", PAGE, 256, 4 * MIB),
    Use("4 KiB write()", "write", PAGE, 256, 5 * MIB),
    Use("1 MiB read()", "read", MIB, 15, 66 * MIB),
    Use("1 MiB write()", "write", MIB, 15, 81 * MIB),
)
DEVICE_USES = (
    Use("4 KiB O_DIRECT read", "read", PAGE, 256, 4 * MIB),
    Use("4 KiB O_DIRECT write", "write", PAGE, 256, 5 * MIB),
    Use("1 MiB O_DIRECT read", "read", MIB, 15, 8 * MIB),
    Use("1 MiB O_DIRECT write", "write", MIB, 15, 24 * MIB),
)


def layouts(first, second):
    """Return (stack, ranges) of each device that is compared."""
    sectors = GROUP // MIB * MIB_SECTORS
    one = [(first, 0, 2 * sectors)]
    two = [(first, 0, sectors), (second, 0, sectors)]
    return [(RAW, one), (LINEAR, one), (DAXLINEAR, one), (LINEAR, two), (DAXLINEAR, two)]


def _count(path, uses, *options, offset=0):
    """Return the samples of each use of a file or a device."""
    return [count(*options, "-o", offset + use.offset, use.verb, use.count, use.size, path)
            for use in uses]


def _rows(uses, stack, ranges, halves):
    """Return a row for each use: the mean of both halves of the device."""
    number = 0 if stack == RAW else len(ranges)
    return [instructions(use.what, stack, number, sum(map(typical, samples)) / len(samples))
            for use, samples in zip(uses, zip(*halves, strict=True), strict=True)]


def make_file(xfs, number, mib):
    """Make a file that is written and one extent; return its path.

    It has a folder of its own, so that they are spread over the allocation groups.
    """
    os.mkdir(xfs.path(f"{number}"))
    name = f"{number}/file"
    xfs.reserve(name, mib * MIB)
    for at in range(mib):
        xfs.write(name, bytes(MIB), at * MIB)
    assert len(xfs.extents(name)) == 1, xfs.extents(name)
    return xfs.path(name)


@contextlib.contextmanager
def _files(path, mib):
    """Yield the files of an XFS, one in each of its two allocation groups."""
    with tempfile.TemporaryDirectory(dir="/run") as folder:
        # With atimes, the cost of a read would depend on when the last one was written.
        with Xfs(path, folder, size=f"{2 * GROUP}", agsize=f"{GROUP}", stripe_huge=True,
                 options=["noatime"]) as xfs:
            names = [make_file(xfs, number, mib) for number in range(2)]
            groups = {xfs.extents(name)[0][1] // GROUP for name in names}
            assert groups == {0, 1}, groups
            yield names


def files(compared):
    """Count accesses to files of an XFS over each of (stack, ranges)."""
    mib = max(use.offset + use.count * use.size for use in FILE_USES) // MIB
    rows = []
    for stack, ranges in compared:
        with device(stack, ranges) as path, _files(path, mib) as names:
            rows += _rows(FILE_USES, stack, ranges,
                          [_count(name, FILE_USES) for name in names])
    return rows


def direct(compared):
    """Count O_DIRECT on the block device itself."""
    rows = []
    for stack, ranges in compared:
        with device(stack, ranges) as path:
            rows += _rows(DEVICE_USES, stack, ranges,
                          [_count(path, DEVICE_USES, "-d", offset=half * GROUP)
                           for half in range(2)])
    return rows
