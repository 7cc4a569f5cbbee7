# SPDX-License-Identifier: GPL-2.0
"""Devices of several ranges, and what lies around these on their children: a neighbour's data."""

import itertools
import mmap
import os
import random

from ..command import log
from ..dm.target import DaxLinear, Linear
from ..fs.xfs import Xfs
from ..units import HUGE, MIB, PAGE, PAGE_SECTORS, SECTOR

TEXT = b"neighbour's data"

# A request that runs past the end of its range gets so far at most. The kernel's own memory is
# behind the end of a child.
BEHIND = 66 * MIB
_BEFORE = 16 * PAGE

_PIECE = TEXT * (MIB // len(TEXT))


class Layout:
    """Ranges, one after the other, that don't overlap; pages of a neighbour are between them."""

    def __init__(self, children, first_page=1027):
        self._children = children
        self._next = [first_page] * len(children)
        self.ranges = []

    def add(self, child, pages, gap=0):
        """Append a range, so many pages behind what there is of its child."""
        first = self._next[child] + gap
        self._next[child] = first + pages
        self.ranges.append((self._children[child], first * PAGE_SECTORS, pages * PAGE_SECTORS))
        return self


def shuffled(layout, numbers):
    """Have all ranges but the first in another order, by a random.Random."""
    head, *rest = layout.ranges
    numbers.shuffle(rest)
    layout.ranges = [head, *rest]
    return layout


class Neighbours:
    """All that is around some ranges: before them, between them and behind."""

    def __init__(self, ranges):
        self._areas = []
        for child in {child.name: child for child, _, _ in ranges}.values():
            mine = sorted((first * SECTOR, (first + sectors) * SECTOR)
                          for one, first, sectors in ranges if one is child)
            end = mine[0][0] - _BEFORE
            for first, behind in [*mine, (mine[-1][1] + BEHIND,) * 2]:
                if end < first:
                    self._areas.append((child, end, first))
                end = behind
            assert end <= child.sectors * SECTOR, f"{child} is too small"
        self._buffer = mmap.mmap(-1, MIB)

    def _each(self, work):
        """Call with (fd, child, place, length) of each piece."""
        for child, first, end in self._areas:
            fd = os.open(child.path, os.O_RDWR | os.O_DIRECT)
            try:
                for place in range(first, end, MIB):
                    work(fd, child, place, min(MIB, end - place))
            finally:
                os.close(fd)

    def fill(self):
        """Write the neighbours' text."""
        self._buffer[:] = _PIECE
        view = memoryview(self._buffer)
        self._each(lambda fd, _, place, length: os.pwritev(fd, [view[:length]], place))

    def damage(self):
        """Return a line for each area that is not as it was written."""
        found = []

        def compare(fd, child, place, length):
            os.preadv(fd, [memoryview(self._buffer)[:length]], place)
            data = self._buffer[:length]
            if data == _PIECE[:length]:
                return
            wrong = [at for at in range(0, length, PAGE)
                     if data[at:at + PAGE] != _PIECE[:PAGE]]
            found.append(f"neighbour: {len(wrong)} pages at {place + wrong[0]} of {child.name} are "
                         f"damaged")

        self._each(compare)
        for line in found:
            log.info("%s", line)
        return found


class Volume:
    """A filesystem of one allocation group, on ranges: by dm-linear, by daxlinear or on neither."""

    def __init__(self, bed, kind, ranges, *, stripe_huge=False):
        self.kind = kind
        self.ranges = ranges
        self.size = sum(sectors for _, _, sectors in ranges) * SECTOR
        self.seams = list(itertools.accumulate(sectors * SECTOR for _, _, sectors in ranges[:-1]))
        # on a bare NVDIMM there is nothing else
        self.neighbours = Neighbours([] if kind == "bare" else ranges)
        self.neighbours.fill()
        if kind == "bare":
            # XFS has no reflink on a partition
            self.device = bed.nvdimms[-1]
        elif kind == "linear":
            self.device = bed.device(*[Linear(sectors, child, first)
                                       for child, first, sectors in ranges])
        else:
            self.device = bed.device(DaxLinear.ranges(ranges))
        # whole stripes
        size = self.size // HUGE * HUGE if stripe_huge else self.size
        self.fs = bed.enter(Xfs(self.device, bed.folder(), agsize=size, size=size,
                                stripe_huge=stripe_huge))

    def place(self, byte):
        """Return (NVDIMM, first sector) of the page of a byte of the device."""
        if self.kind == "bare":
            return self.device, byte // SECTOR
        for child, first, sectors in self.ranges:
            if byte < sectors * SECTOR:
                return child, first + byte // SECTOR
            byte -= sectors * SECTOR
        raise LookupError(byte)

    def crossings(self, name):
        """Return where in a file an extent runs over a seam, as {place in the device: offset}."""
        return {seam: offset + seam - place for offset, place, length in self.fs.extents(name)
                for seam in self.seams if place < seam < place + length}


def seed():
    """Return the seed of this run, which is printed."""
    number = int(os.environ.get("DMTESTS_SEED", 14))
    log.info("DMTESTS_SEED=%d", number)
    return number


def chance(name):
    """Return random numbers for a test."""
    return random.Random(f"{seed()} {name}")
