# SPDX-License-Identifier: GPL-2.0
"""Mapped devices on mapped devices: daxlinear on all floors, and dm-linear above daxlinear."""

import errno

import pytest

from lib.devices import poison
from lib.dm.status import Status
from lib.dm.target import DaxLinear, Linear
from lib.fs.ext4 import Ext4
from lib.holders.victim import Sigbus, Victim
from lib.judge.live import Live
from lib.judge.oracle import notified
from lib.units import MIB, MIB_SECTORS, PAGE, PAGE_LSB, PAGE_SECTORS, SECTOR, WHOLE, pages


class Floor:
    """A mapped device on others, and the ranges of NVDIMMs that it maps in the end."""

    def __init__(self, bed, target, ranges):
        self.device = bed.device(*[target(sectors, below, offset)
                                   for below, offset, sectors in ranges])
        self.ranges = [piece for one in ranges for piece in self._flat(*one)]

    def __str__(self):
        return str(self.device)

    @staticmethod
    def _flat(below, offset, sectors):
        if not isinstance(below, Floor):
            yield below, offset, sectors
            return
        start = 0
        for child, child_offset, child_sectors in below.ranges:
            first, end = max(offset, start), min(offset + sectors, start + child_sectors)
            if first < end:
                yield child, child_offset + first - start, end - first
            start += child_sectors

    def every_page(self):
        """Return (NVDIMM, byte of it, byte of the device) of each page."""
        start, found = 0, []
        for child, offset, sectors in self.ranges:
            found += [(child.disk, child.byte(offset + at), (start + at) * SECTOR)
                      for at in range(0, sectors, PAGE_SECTORS)]
            start += sectors
        return found


def tower(bed, target, children):
    """Return three floors; no two lines of their tables line up, and some are on two floors."""
    first, second, third, partition = children
    low = Floor(bed, target, [(first, pages(10), pages(100)), (second, 0, pages(50)),
                              (partition, pages(3), pages(200))])
    middle = Floor(bed, target, [(low, pages(120), pages(130)), (third, 0, pages(20)),
                                 (low, pages(5), pages(60))])
    high = Floor(bed, target, [(middle, pages(25), pages(150)), (second, pages(80), pages(7)),
                               (low, pages(250), pages(9)), (middle, 0, pages(25))])
    return low, middle, high


@pytest.fixture(name="children")
def _children(bed):
    disk = bed.nvdimms[2]
    return *bed.nvdimms[:2], *[bed.enter(disk.partition(pages(start), pages(500), number))
                               for number, start in ((1, 257), (2, 1031))]


def test_three_deep(bed, children):
    low, middle, high = tower(bed, DaxLinear, children)
    places = high.every_page()
    assert len(high.ranges) > 5 and len(places) * PAGE_SECTORS == high.device.sectors
    live = Live(bed, low.ranges, middle.ranges, high.ranges)
    live.check()
    with bed.probe.holding(high.device):
        live.map(high.device, high.ranges)
        live.check()
        for injection, place in zip(bed.probe.inject_all([place[:2] for place in places]), places,
                                    strict=True):
            assert notified(injection) == [(high.device.number, place[2])]
            assert injection.rc == 0
        # more than one range of each child
        injection = bed.probe.inject(children[0], 0, 200 * PAGE)
        assert notified(injection) == sorted((high.device.number, at) for disk, byte, at in places
                                             if disk == children[0] and byte < 200 * PAGE)

    # lookups return the same memory as through three dm-linear devices
    stock = tower(bed, Linear, children)[2]
    mine, theirs = ([page.pfn for page in bed.probe.lookup([(floor.device, place[2])
                                                             for place in places])]
                    for floor in (high, stock))
    assert mine == theirs == [disk.pfn(byte) for disk, byte, _ in places]


def test_three_deep_through_memory_failure(bed, children):
    # the whole path below the filesystem; the probe handles the failures
    _, _, high = tower(bed, DaxLinear, children)
    places = high.every_page()[::7]
    with bed.probe.holding(high.device):
        bed.probe.reset()
        for disk, byte, _ in places:
            poison.fail_page(disk.pfn(byte))
        done, calls = bed.probe.records()
    assert not done
    assert [(call.off, call.len) for call in calls] == [(at, PAGE) for _, _, at in places]


def test_every_floor_counts(bed, children):
    floors = tower(bed, DaxLinear, children)
    child = children[0]
    # in all three; first without a holder, then with one, which at last returns an error
    byte = next(byte for disk, byte, _ in floors[2].every_page() if disk == child)
    offsets = [next(at for disk, there, at in floor.every_page() if (disk, there) == (child, byte))
               for floor in floors]

    def counts():
        found = []
        for floor, offset in zip(floors, offsets, strict=True):
            hit = [status for status in floor.device.status() if status.received]
            assert [status.last for status in hit] == [offset // SECTOR]
            found.append((hit[0].received, hit[0].forwarded, hit[0].handled))
        return found

    injection = bed.probe.inject(child, byte)
    assert (injection.rc, injection.calls) == (-errno.EOPNOTSUPP, [])
    # each forwards to the one above, and no holder handles it
    assert counts() == [(1, 1, 0), (1, 1, 0), (1, 0, 0)]
    with bed.probe.holding(floors[2].device):
        bed.probe.inject(child, byte)
        assert counts() == [(2, 2, 1), (2, 2, 1), (2, 1, 1)]
        bed.probe.answer(floors[2].device, -errno.EIO)
        assert bed.probe.inject(child, byte).rc == -errno.EIO
        assert counts() == [(3, 3, 1), (3, 3, 1), (3, 2, 1)]


def test_two_ways_up(bed):
    # one page, two places of the device at the top, and another device on the way
    child = bed.nvdimms[0]
    low = Floor(bed, DaxLinear, [(child, pages(100), pages(50))])
    middle = Floor(bed, DaxLinear, [(low, pages(10), pages(30))])
    high = Floor(bed, DaxLinear, [(low, 0, pages(50)), (middle, 0, pages(30))])
    beside = Floor(bed, DaxLinear, [(low, pages(15), pages(5)), (child, pages(115), pages(5))])
    live = Live(bed, low.ranges, middle.ranges, high.ranges, beside.ranges)
    for floor in (high, beside):
        bed.enter(bed.probe.holding(floor.device))
        live.map(floor.device, floor.ranges)
    live.check()


def test_a_floor_changes(bed, children):
    # a new table below takes effect above
    first, second = children[:2]
    low = Floor(bed, DaxLinear, [(first, 0, pages(8)), (second, 0, pages(8))])
    middle = Floor(bed, DaxLinear, [(low, pages(4), pages(8))])
    high = Floor(bed, DaxLinear, [(middle, pages(1), pages(6))])
    after = [(second, pages(64), pages(3)), (first, pages(4), pages(3))]
    live = Live(bed, low.ranges, high.ranges, after)
    bed.enter(bed.probe.holding(high.device))
    live.map(high.device, high.ranges)
    live.check()
    low.device.load(DaxLinear.ranges([(second, pages(59), pages(8)), (first, pages(4), pages(8))],
                                     "allow_move"))
    live.check()
    low.device.suspend()
    live.check()
    low.device.resume()
    live.map(high.device, after)
    live.check()
    middle.device.suspend()
    live.check()
    middle.device.wipe()
    live.unmap(high.device)
    live.check()


def test_child_gone_below_three(bed, children):
    # one call for all that is gone, though the top is on it by two floors
    gone = children[2].disk
    _, _, high = tower(bed, DaxLinear, children)
    lost = [at for disk, _, at in high.every_page() if disk == gone]
    with bed.probe.holding(high.device):
        injection = bed.probe.inject(gone, 0, WHOLE)
    assert injection.rc == 0
    assert [(call.dev, call.off, call.off + call.len) for call in injection.calls] == [
        (high.device.number, min(lost), max(lost) + PAGE)]


@pytest.mark.parametrize("above", [True, False], ids=["on dm-linear", "on daxlinear"])
def test_ext4(bed, above):
    """No holder is above, as ext4 takes no slot: generic handling kills the processes."""
    nvdimms = bed.nvdimms[:2]
    sectors, first = 16 * MIB_SECTORS, 8 * MIB_SECTORS
    device = bed.device(DaxLinear.ranges([(nvdimm, first, sectors) for nvdimm in nvdimms]))
    top = bed.device(Linear(2 * sectors, device)) if above else device
    fs = bed.enter(Ext4(top, bed.folder()))
    path = fs.write("file", bytes(MIB))
    bed.kill_early()
    with Victim(path) as victim, Victim(path) as other, Victim(path, offset=MIB // 2) as untouched:
        pfn = int(victim.ask("pfn", 9 * PAGE)[1])
        poison.poison_page(pfn)
        assert victim.wait_sigbus() == other.wait_sigbus() == Sigbus("AO", 9 * PAGE, PAGE_LSB)
        assert untouched.lives()
    number, nvdimm = next((number, nvdimm) for number, nvdimm in enumerate(nvdimms)
                          if pfn in nvdimm.pfns())
    last = number * sectors + (pfn - nvdimm.pfn(first * SECTOR)) * PAGE_SECTORS
    assert device.status() == [Status(ranges=2, alive=2, received=1, generic=1, last=last)]
