# SPDX-License-Identifier: GPL-2.0
"""One address for all pages of a request, whatever ranges they lie in.

The probe asks for it and uses it as the kernel's copy-on-write does: for all that it asked for,
whatever the answer's length. What XFS makes of that is shown elsewhere.
"""

import collections
import contextlib
import errno
import os
import random
import threading
import time
import zlib

import pytest

from lib.dm import seams
from lib.dm.device import Device
from lib.dm.target import DaxLinear, Linear
from lib.holders.probe import Probe, ProbeError
from lib.module import HOLDER, TARGET
from lib.units import PAGE, PAGE_SECTORS

# ranges that a table has, and pages of a range
LAYOUTS = {"two": (2, 300), "three": (3, 90), "forty": (40, 9), "one page each": (25, 1)}


class Ranges:
    """Ranges on three children, in random order, with gaps between them, all of known data."""

    def __init__(self, bed, layout, seed=1):
        self._chance = random.Random(f"{layout} {seed}")
        number, longest = LAYOUTS[layout]
        self._children = bed.nvdimms[:3]
        self.ranges, self._gaps = [], []
        ends: collections.Counter = collections.Counter()
        for child in [self._chance.choice(self._children) for _ in range(number)]:
            gap, pages = self._chance.randint(1, 3), self._chance.randint(1, longest)
            self._gaps.append((child, ends[child], gap))
            self.ranges.append((child, ends[child] + gap, pages))
            ends[child] += gap + pages
        self._gaps += [(child, ends[child], 3) for child in self._children]
        self.data = b"".join(self._fill(place) for place in self.ranges)
        self._neighbours = [self._fill(place) for place in self._gaps]
        # the pages of the device that begin a range, and its end
        self.starts = [0]
        for _, _, pages in self.ranges:
            self.starts.append(self.starts[-1] + pages)

    def _fill(self, place):
        child, start, pages = place
        data = self._chance.randbytes(pages * PAGE)
        with open(child.path, "r+b") as file:
            file.seek(start * PAGE)
            file.write(data)
            os.fsync(file.fileno())
        return data

    def targets(self, kind=DaxLinear):
        """Return one line of daxlinear, or one of dm-linear for each range."""
        places = [(child, start * PAGE_SECTORS, pages * PAGE_SECTORS)
                  for child, start, pages in self.ranges]
        if kind is DaxLinear:
            return [DaxLinear.ranges(places)]
        return [Linear(sectors, child, start) for child, start, sectors in places]

    def crosses(self, page, pages):
        """Return whether pages of the device lie in several ranges."""
        return any(page < start < page + pages for start in self.starts)

    def requests(self, number):
        """Return (page, pages) around the ends of ranges, and of the whole device."""
        found = [(0, self.starts[-1])]
        while len(found) < number:
            near = self._chance.choice(self.starts) - self._chance.choice((0, 1, 1, 2, 7))
            page = min(max(near, 0), self.starts[-1] - 1)
            room = self.starts[-1] - page
            lengths = 1, min(2, room), self._chance.randint(1, room)
            found.append((page, self._chance.choice(lengths)))
        return found

    def sum(self, page, pages):
        """Return the CRC-32 of pages of the device."""
        return zlib.crc32(self.data[page * PAGE:(page + pages) * PAGE])

    def check_neighbours(self):
        """Assert that the pages before and behind the ranges are as they were."""
        for (child, start, pages), data in zip(self._gaps, self._neighbours):
            with open(child.path, "rb") as file:
                file.seek(start * PAGE)
                assert file.read(pages * PAGE) == data, f"{child} from page {start} on"


def read_all(bed, device, layout, number=200):
    """Read requests; return those that read wrong data. Assert the lengths of the answers."""
    wanted = layout.requests(number)
    before = seams.requests()
    answers = bed.probe.sum([(device, page * PAGE, pages) for page, pages in wanted])
    wrong = [request for request, answer in zip(wanted, answers)
             if answer.pfn != layout.sum(*request)]
    lengths = [answer.pages for answer in answers]
    crossing = sum(layout.crosses(*request) for request in wanted)
    return wanted, wrong, lengths, crossing, seams.requests() - before


@pytest.mark.parametrize("name", LAYOUTS)
def test_reading_across_ranges(bed, name):
    layout = Ranges(bed, name)
    device = bed.device(*layout.targets())
    wanted, wrong, lengths, crossing, counted = read_all(bed, device, layout)
    assert not wrong
    assert lengths == [pages for _, pages in wanted]
    # requests in one range need no alias
    assert 0 < crossing == counted < len(wanted)
    seams.wait_until_nothing_is_held()


@pytest.mark.control
def test_reading_across_lines_of_dm_linear(bed):
    layout = Ranges(bed, "forty")
    device = bed.device(*layout.targets(Linear))
    wanted, wrong, _, crossing, _ = read_all(bed, device, layout)
    assert len(wrong) == crossing
    assert all(layout.crosses(*request) for request in wrong)
    assert len(wanted) > crossing


@pytest.mark.parametrize("name", LAYOUTS)
def test_writing_across_ranges(bed, name):
    layout = Ranges(bed, name)
    device = bed.device(*layout.targets())
    data = bytearray(layout.data)
    for value, (page, pages) in enumerate(layout.requests(20)):
        bed.probe.fill(device, page * PAGE, pages, value)
        data[page * PAGE:(page + pages) * PAGE] = bytes([value]) * pages * PAGE
    layout.data = bytes(data)
    _, wrong, _, _, _ = read_all(bed, device, layout, 50)
    assert not wrong
    layout.check_neighbours()
    at = 0
    for child, start, pages in layout.ranges:
        with open(child.path, "rb") as file:
            file.seek(start * PAGE)
            assert file.read(pages * PAGE) == layout.data[at:at + pages * PAGE]
        at += pages * PAGE


def test_on_several_floors(bed):
    # ranges of a device of ranges
    layout = Ranges(bed, "forty")
    below = bed.device(*layout.targets())
    half = layout.starts[-1] // 2
    rest = layout.starts[-1] - half
    device = bed.device(DaxLinear.ranges([(below, half * PAGE_SECTORS, rest * PAGE_SECTORS),
                                          (below, 0, half * PAGE_SECTORS)]))
    data = layout.data[half * PAGE:] + layout.data[:half * PAGE]
    answers = bed.probe.sum([(device, page * PAGE, half) for page in range(rest)])
    assert [answer.pfn for answer in answers] == [
        zlib.crc32(data[page * PAGE:(page + half) * PAGE]) for page in range(rest)]


def test_suspended(bed):
    layout = Ranges(bed, "three")
    device = bed.device(*layout.targets())
    device.suspend()
    assert not read_all(bed, device, layout, 20)[1]
    device.resume()


@contextlib.contextmanager
def reading(request, how, milliseconds):
    """Read beside the test, a while after the lookup; yield the list for the answer."""
    answers = []
    probe = Probe()
    thread = threading.Thread(
        target=lambda: answers.extend(probe.sum([request], how, milliseconds)))
    thread.start()
    try:
        yield answers
    finally:
        thread.join()
        probe.close()


@pytest.mark.at_once
@pytest.mark.parametrize("how, milliseconds", [("locked", 2000), ("unlocked", 1500)])
def test_address_is_good_as_long_as_it_is_used(bed, how, milliseconds):
    # tables come and go meanwhile, and the worker has an alias to unmap for each request
    layout = Ranges(bed, "forty")
    device = bed.device(*layout.targets())
    whole = (0, layout.starts[-1])
    begin = time.monotonic()
    with reading((device, 0, whole[1]), how, milliseconds) as answers:
        while time.monotonic() < begin + milliseconds / 1000 - 0.5:
            device.reload(*layout.targets())
            assert not read_all(bed, device, layout, 10)[1]
    assert [answer.pfn for answer in answers] == [layout.sum(*whole)]
    seams.wait_until_nothing_is_held()


def test_nothing_is_held_once_the_device_is_gone(bed):
    layout = Ranges(bed, "forty")
    with Device(*layout.targets()) as device:
        read_all(bed, device, layout)
    seams.wait_until_nothing_is_held()


@pytest.mark.usefixtures("renewed")
def test_unload_right_after_requests(bed):
    layout = Ranges(bed, "forty")
    for _ in range(5):
        with Device(*layout.targets()) as device:
            read_all(bed, device, layout, 40)
        TARGET.remove()
        assert HOLDER.users == 0
        TARGET.insert()
        assert (seams.held(), seams.requests()) == (0, 0)


@pytest.mark.usefixtures("renewed")
def test_no_memory(bed):
    # requests that cross ranges fail, others do not, and neither writes to a wrong place
    layout = Ranges(bed, "forty")
    device = bed.device(*layout.targets())
    mark = bed.kmsg.mark()
    with seams.limit(0):
        for page, pages in layout.requests(20):
            answer = bed.probe.sum([(device, page * PAGE, pages)])[0]
            if layout.crosses(page, pages):
                assert answer.pfn == -errno.ENOMEM
                with pytest.raises(ProbeError) as refused:
                    bed.probe.fill(device, page * PAGE, pages, 1)
                assert refused.value.errno == errno.ENOMEM
            else:
                assert answer.pfn == layout.sum(page, pages)
    lines = bed.kmsg.find(rf"daxlinear: {device.number}: no alias for \d+ pages", mark)
    assert 1 <= len(lines) <= 20
    assert not read_all(bed, device, layout)[1]
    layout.check_neighbours()


def test_limit_is_kept(bed):
    # requests that come too fast are delayed a little, and then refused
    layout = Ranges(bed, "two")
    device = bed.device(*layout.targets())
    pages = layout.starts[-1]
    seams.wait_until_nothing_is_held()
    room = 40 * pages * 16
    with seams.limit(room):
        for _ in range(200):
            answer = bed.probe.sum([(device, 0, pages)])[0]
            assert answer.pfn in (layout.sum(0, pages), -errno.ENOMEM)
            # the one that reached the limit, and the memory of an alias beside its pages
            assert seams.held() < room * 1.1 + pages * 16
    seams.wait_until_nothing_is_held()


@pytest.mark.parametrize("where", [0, 1])
def test_bad_block(bed, where):
    # on either side of the seam, as on the bare NVDIMM; a recovery reaches up to it
    layout = Ranges(bed, "two")
    device = bed.device(*layout.targets())
    seam, end = layout.starts[1], layout.starts[2]
    child, start, _ = layout.ranges[where]
    bad = [seam - 1, seam + 1][where]
    child.add_badblocks((start + bad - layout.starts[where]) * PAGE_SECTORS, 1)
    raw = bed.probe.sum([(child, (start + bad - layout.starts[where]) * PAGE, 1)])[0].pfn
    assert raw < 0
    first, pages = seam - 2, 4
    assert bed.probe.sum([(device, first * PAGE, pages)])[0].pfn == raw
    good = (bad + 1, end - bad - 1) if where else (first, 1)
    assert bed.probe.sum([(device, good[0] * PAGE, good[1])])[0].pfn == layout.sum(*good)
    # the pages are all there, and how many are good is said of the first range alone
    answer = bed.probe.sum([(device, first * PAGE, pages)], "recovery")[0]
    assert answer.pfn == layout.sum(first, pages)
    assert answer.pages == [1, 2][where]


def test_lines_that_are_not_the_whole_device(bed):
    # several lines are logged once, as they go live; one line is not
    child = bed.nvdimms[0]
    mark = bed.kmsg.mark()
    first = PAGE_SECTORS, child
    second = 2 * PAGE_SECTORS, child, 10 * PAGE_SECTORS
    device = bed.device(DaxLinear(*first), DaxLinear(*second))
    said = (f"daxlinear: {device.number}: the line at sector (0|{PAGE_SECTORS}) is not the whole "
            "device")
    assert len(bed.kmsg.find(said, mark)) == 2
    mark = bed.kmsg.mark()
    device.suspend()
    device.resume()
    device.reload(DaxLinear.ranges([(child, 0, PAGE_SECTORS),
                                     (child, 10 * PAGE_SECTORS, 2 * PAGE_SECTORS)]))
    assert not bed.kmsg.find("is not the whole device", mark)
    device.reload(DaxLinear(*first), Linear(*second))
    assert len(bed.kmsg.find(said, mark)) == 1
