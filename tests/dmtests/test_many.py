# SPDX-License-Identifier: GPL-2.0
"""A thousand mapped devices on one child, each with a holder of its own."""

import collections
import contextlib
import errno
import logging
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from lib.command import log
from lib.dm.device import Device
from lib.dm.target import DaxLinear
from lib.judge.oracle import notified
from lib.kernel import MANY_DEVICES
from lib.units import PAGE, SECTOR, pages

pytestmark = pytest.mark.at_once

DEVICES = int(os.environ.get("DMTESTS_DEVICES", MANY_DEVICES))
MIDDLE = DEVICES // 2
# Removing a device is mostly waiting in the kernel; more threads than that do not help.
REMOVERS = 4

# pages: where the devices' own stretches are, those that overlap, and one that all devices map
OWN, OWN_PAGES = 16, 2
CHAIN, CHAIN_PAGES = 4096, 4
COMMON = 8192


class Volume:
    """One of many mapped devices, with pages of its own and pages that it shares."""

    def __init__(self, child, number):
        self.own = OWN + OWN_PAGES * number
        # each page of the chain is in CHAIN_PAGES devices
        self.chain = CHAIN + number
        self.ranges = [(child, pages(self.own), pages(OWN_PAGES)),
                       (child, pages(self.chain), pages(CHAIN_PAGES)),
                       (child, pages(COMMON), pages(1))]
        self.device = Device(DaxLinear.ranges(self.ranges))


@contextlib.contextmanager
def quietly():
    """Log nothing: a thousand similar lines take long, and help no more than one."""
    log.info("... %d times", DEVICES)
    logging.disable(logging.INFO)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def remove_all(pool, made):
    """Remove the volumes that were made."""
    with quietly():
        list(pool.map(lambda volume: volume.device.__exit__(None, None, None),
                      [volume for volume in made if volume.device.number]))


@contextlib.contextmanager
def volumes(child):
    """Yield a thousand volumes on a child."""
    made = [Volume(child, number) for number in range(DEVICES)]
    with contextlib.ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(REMOVERS))
        stack.callback(remove_all, pool, made)
        with quietly():
            for volume in made:
                # remove_all() leaves them all at once
                volume.device.__enter__()  # pylint: disable=unnecessary-dunder-call
        yield made


class Book:
    """Where each page of a child is mapped, for more ranges than the oracle can search quickly."""

    def __init__(self, child):
        self.child = child
        self._places = collections.defaultdict(list)

    def map(self, device, ranges):
        """Note a device's ranges, which follow one another."""
        at = 0
        for _, offset, sectors in ranges:
            for byte in range(offset * SECTOR, (offset + sectors) * SECTOR, PAGE):
                self._places[byte].append((device.number, at))
                at += PAGE

    def unmap(self, device):
        """Remove a device's ranges."""
        for places in self._places.values():
            places[:] = [place for place in places if place[0] != device.number]

    def where(self, page, count=1):
        """Return the (major:minor, byte) of every place that maps these pages."""
        return sorted(place for number in range(page, page + count)
                      for place in self._places[number * PAGE])

    def check(self, bed, numbers):
        """Fail pages; assert one notification for each device that maps it, and no other."""
        failures = [(self.child, number * PAGE) for number in numbers]
        for number, injection in zip(numbers, bed.probe.inject_all(failures), strict=True):
            expected = self.where(number)
            assert notified(injection) == expected, (number, injection)
            assert len(injection.calls) == len(expected), injection
            assert injection.rc == (0 if expected else -errno.EOPNOTSUPP), injection


def around(made):
    """Return the pages of some volumes that not all map, and the pages around them."""
    return sorted({page for volume in made
                   for first, count in ((volume.own, OWN_PAGES), (volume.chain, CHAIN_PAGES))
                   for page in range(first - 1, first + count + 1)})


@pytest.mark.usefixtures("hurry")
def test_a_thousand_devices(bed):
    child, other = bed.nvdimms[3], bed.nvdimms[2]
    book = Book(child)
    with volumes(child) as made:
        for volume in made:
            book.map(volume.device, volume.ranges)
        with quietly():
            for volume in made:
                bed.enter(bed.probe.holding(volume.device))
        book.check(bed, range(OWN - 1, OWN + OWN_PAGES * DEVICES + 1))
        book.check(bed, [CHAIN + page for page in (*range(-1, 8), *range(MIDDLE - 50, MIDDLE + 50),
                                                   *range(DEVICES - 5, DEVICES + 5))])
        book.check(bed, range(COMMON - 1, COMMON + 2))
        assert len(book.where(COMMON)) == DEVICES
        assert len(book.where(CHAIN + MIDDLE)) == CHAIN_PAGES
        # several pages at once
        stretch = bed.probe.inject(child, (OWN + MIDDLE + 1) * PAGE, 4 * PAGE)
        assert notified(stretch) == book.where(OWN + MIDDLE + 1, 4)
        # the same place of another child is not mapped
        assert not bed.probe.inject(other, OWN * PAGE).calls

        # some devices change while the others stay
        moved, suspended, gone = (made[MIDDLE + first:][:3] for first in (0, 10, 20))
        for volume in moved:
            ranges = [(child, pages(volume.chain), pages(CHAIN_PAGES)),
                      (child, pages(volume.own), pages(OWN_PAGES))]
            volume.device.reload(DaxLinear.ranges(ranges, "allow_move"))
            book.unmap(volume.device)
            book.map(volume.device, ranges)
        for volume in suspended:
            volume.device.suspend()
        for volume in gone:
            volume.device.remove()
            book.unmap(volume.device)
        book.check(bed, around([*moved, *suspended, *gone]))
