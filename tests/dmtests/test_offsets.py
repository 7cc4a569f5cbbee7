# SPDX-License-Identifier: GPL-2.0
"""A failure at an offset of a child is forwarded at the right offset of the mapped device.

The right offset comes from the oracle, and from dm-linear with the same table.
"""

import errno
import random
import re

import pytest

from lib.devices import poison
from lib.dm.target import DaxLinear, Linear
from lib.judge.oracle import Oracle, notified
from lib.units import HUGE, HUGE_SECTORS, MIB_SECTORS, PAGE, PAGE_SECTORS, SECTOR, WHOLE, pages


def three_children(bed):
    """Return ranges of a whole NVDIMM, a partition and the rest of a third, all unequal."""
    small, middle, large = bed.nvdimms[0], bed.nvdimms[2], bed.nvdimms[3]
    partition = bed.enter(middle.partition(pages(257), pages(middle.sectors // PAGE_SECTORS // 2)))
    assert len({small.sectors, partition.sectors, large.sectors}) == 3
    return [
        (small, 0, small.sectors),
        (partition, pages(3), partition.sectors - pages(3)),
        (large, pages(513), large.sectors - pages(513)),
    ]


def targets(kind, ranges):
    """Return the targets that map ranges: one daxlinear, a daxlinear or a linear for each."""
    if kind == "ranges":
        return [DaxLinear.ranges(ranges)]
    target = {"lines": DaxLinear, "linear": Linear}[kind]
    return [target(sectors, child, offset) for child, offset, sectors in ranges]


def boundary_bytes(ranges):
    """Return (child, byte) of the pages on both sides of each range's start and end."""
    found = set()
    for child, offset, sectors in ranges:
        first, end = child.byte(offset), child.byte(offset + sectors)
        for byte in (first - PAGE, first, first + PAGE, end - 2 * PAGE, end - PAGE, end):
            if 0 <= byte < child.disk.sectors * SECTOR:
                found.add((child.disk, byte))
    return sorted(found, key=lambda place: (place[0].name, place[1]))


def random_bytes(ranges, number, seed):
    """Return so many random pages of the children, as (child, byte)."""
    chance = random.Random(seed)
    disks = sorted({child.disk for child, _, _ in ranges}, key=lambda disk: disk.name)
    return [(disk, chance.randrange(disk.sectors // PAGE_SECTORS) * PAGE)
            for disk in chance.choices(disks, k=number)]


def check_injections(bed, oracle, failures):
    """Inject failures; assert notifications where the oracle has them, and nowhere else."""
    for failure, injection in zip(failures, bed.probe.inject_all(failures), strict=True):
        length = failure[2] if len(failure) > 2 else PAGE
        expected = oracle.where_all(failure[0], failure[1], length)
        assert notified(injection) == expected, injection
        assert injection.rc == (0 if expected else -errno.EOPNOTSUPP), injection


def check_lookups(bed, ours, stock, ranges):
    """Assert that lookups return the same memory through daxlinear as through dm-linear."""
    chance = random.Random(7)
    asked, start = [], 0
    for _, _, sectors in ranges:
        first, end = start * SECTOR, (start + sectors) * SECTOR
        start += sectors
        places = {first, first + PAGE, end - PAGE}
        places |= {chance.randrange(first // PAGE, end // PAGE) * PAGE for _ in range(20)}
        # one page, and more than is left in the range
        asked += [(byte, count) for byte in places if byte < end
                  for count in (1, 7, 1 << 20)]
    found = [bed.probe.lookup([(device, *place) for place in asked])
             for device in (ours, stock)]
    for place, mine, theirs in zip(asked, *found, strict=True):
        assert mine.pfn > 0
        assert (mine.pfn, mine.pages) == (theirs.pfn, theirs.pages), place


@pytest.mark.parametrize("kind", ["ranges", "lines"])
def test_three_unequal_children(bed, kind):
    ranges = three_children(bed)
    device = bed.device(*targets(kind, ranges))
    stock = bed.device(*targets("linear", ranges))
    oracle = Oracle().map(device, ranges)

    with bed.probe.holding(device):
        check_injections(bed, oracle, boundary_bytes(ranges) + random_bytes(ranges, 3000, kind))
    check_lookups(bed, device, stock, ranges)


def test_lookup_is_where_memory_is(bed):
    # all tests here need this: the probe, the children and the physical addresses agree
    for child in bed.nvdimms:
        byte = 5 * PAGE
        assert bed.probe.lookup([(child, byte)])[0].pfn == child.pfn(byte)


def test_unheld_device_is_not_told(bed):
    ranges = three_children(bed)
    bed.device(*targets("ranges", ranges))
    for injection in bed.probe.inject_all([(child.disk, child.byte(offset))
                                           for child, offset, _ in ranges]):
        assert (injection.rc, injection.calls) == (-errno.EOPNOTSUPP, [])


def test_dm_linear_forwards_nothing(bed):
    # the control: dm-linear forwards nothing
    ranges = three_children(bed)
    device = bed.device(*targets("linear", ranges))
    with bed.probe.holding(device):
        for injection in bed.probe.inject_all([(child.disk, child.byte(offset))
                                               for child, offset, _ in ranges]):
            assert (injection.rc, injection.calls) == (-errno.EOPNOTSUPP, [])


@pytest.mark.parametrize("kind", ["ranges", "lines"])
def test_many_small_ranges(bed, kind):
    # ranges of 1 to 9 pages with unmapped pages in between, children in random order
    chance = random.Random(kind)
    ranges = []
    for child in bed.nvdimms[:3]:
        offset = 0
        for _ in range(60):
            offset += chance.choice((0, 0, 1, 2, 700))
            length = chance.randint(1, 9)
            ranges.append((child, pages(offset), pages(length)))
            offset += length
    chance.shuffle(ranges)
    device = bed.device(*targets(kind, ranges))
    stock = bed.device(*targets("linear", ranges))
    oracle = Oracle().map(device, ranges)

    with bed.probe.holding(device):
        check_injections(bed, oracle, boundary_bytes(ranges))
    check_lookups(bed, device, stock, ranges)


def test_four_thousand_ranges(bed):
    # every page of the first 4096 on its own, in random order
    child = bed.nvdimms[3]
    order = list(range(4096))
    random.Random(3).shuffle(order)
    device = bed.device(DaxLinear.ranges([(child, pages(at), pages(1)) for at in order]))
    with bed.probe.holding(device):
        injections = bed.probe.inject_all([(child, at * PAGE) for at in order])
        for number, injection in enumerate(injections):
            assert notified(injection) == [(device.number, number * PAGE)]
            assert injection.rc == 0
        outside = bed.probe.inject(child, 4096 * PAGE)
    assert (outside.rc, outside.calls) == (-errno.EOPNOTSUPP, [])


# the small ones share a bucket of the index: too few and some without one, searched in strides, and
# bisected
@pytest.mark.parametrize("number", [7, 40, 190, 250])
@pytest.mark.parametrize("large_at", ["first", "last"])
def test_small_ranges_beside_a_large_one(bed, number, large_at):
    small = [(bed.nvdimms[at % 2], pages(2 * at), pages(1)) for at in range(number)]
    large = [(bed.nvdimms[2], 0, pages(16384))]
    ranges = large + small if large_at == "first" else small + large
    device = bed.device(*targets("ranges", ranges))
    stock = bed.device(*targets("linear", ranges))
    check_lookups(bed, device, stock, ranges)


def test_each_step_of_a_bisection(bed):
    child, number, large = bed.nvdimms[0], 66000, 300
    # the same memory many times, so that a bucket has 64 pages
    ranges = [(bed.nvdimms[2], 0, pages(16384))] * large
    ranges += [(child, pages(at % 1024), pages(1)) for at in range(number)]
    device = bed.device(DaxLinear.ranges(ranges))
    chosen = random.Random(7).sample(range(number), 1000)
    found = bed.probe.lookup([(device, (large * 16384 + at) * PAGE, 1) for at in chosen])
    on_child = bed.probe.lookup([(child, at % 1024 * PAGE, 1) for at in chosen])
    assert [page.pfn for page in found] == [page.pfn for page in on_child]


@pytest.mark.parametrize("gap", [0, 1, 600])
def test_failure_across_two_ranges_of_a_child(bed, gap):
    child, other = bed.nvdimms[1], bed.nvdimms[0]
    ranges = [
        (child, pages(10), pages(100)),
        (other, pages(1), pages(33)),
        (child, pages(110 + gap), pages(1000)),
    ]
    device = bed.device(*targets("ranges", ranges))
    oracle = Oracle().map(device, ranges)
    failures = [
        (child, 109 * PAGE, (gap + 2) * PAGE),
        (child, 0, 2000 * PAGE),
        (child, 5 * PAGE, 6 * PAGE),
        (child, 50 * PAGE, (gap + 300) * PAGE),
        (child, (gap + 1109) * PAGE, 5 * PAGE),
        (child, (gap + 1110) * PAGE, 5 * PAGE),
    ]
    with bed.probe.holding(device):
        check_injections(bed, oracle, failures)


def test_failure_longer_than_a_page(bed):
    ranges = three_children(bed)
    device = bed.device(*targets("ranges", ranges))
    oracle = Oracle().map(device, ranges)
    chance = random.Random(11)
    failures = []
    for disk, byte in boundary_bytes(ranges) + random_bytes(ranges, 20, 11):
        room = disk.sectors * SECTOR - byte
        failures.append((disk, byte, min(room, chance.choice((2, 3, 511, 512, 700)) * PAGE)))
    with bed.probe.holding(device):
        check_injections(bed, oracle, failures)


def test_failure_across_the_end_of_the_live_table(bed):
    # a loaded table maps the rest of it, and the pages before as the live one does
    child = bed.nvdimms[0]
    device = bed.device(DaxLinear(pages(8), child, pages(100)))
    device.load(DaxLinear(pages(16), child, pages(100)))
    with bed.probe.holding(device):
        for mapped in (8, 16):
            injection = bed.probe.inject(child, 106 * PAGE, 12 * PAGE)
            assert notified(injection) == [(device.number, at * PAGE) for at in range(6, mapped)]
            device.resume()


def test_failure_of_less_than_a_page(bed):
    # pages are mapped as a whole: a failure of a part of a page is forwarded for all of it
    child = bed.nvdimms[0]
    ranges = [(child, pages(4), pages(4))]
    device = bed.device(*targets("ranges", ranges))
    with bed.probe.holding(device):
        for off, length, first, number in (
                (4 * PAGE, 64, 0, 1),
                (6 * PAGE - 64, 64, 1, 1),
                (6 * PAGE - 64, 128, 1, 2),
                (4 * PAGE - 64, 128, 0, 1),
                (8 * PAGE - 1, 2, 3, 1),
        ):
            injection = bed.probe.inject(child, off, length)
            assert notified(injection) == [(device.number, (first + at) * PAGE)
                                           for at in range(number)]


def test_failure_outside_of_all(bed):
    child = bed.nvdimms[0]
    device = bed.device(DaxLinear(pages(10), child, pages(10)))
    end = child.sectors * SECTOR
    outside = [
        (child, 9 * PAGE), (child, 20 * PAGE), (child, end - PAGE), (child, end),
        (child, WHOLE - PAGE + 1, PAGE - 1), (child, 20 * PAGE, WHOLE - 20 * PAGE),
        (child, 12 * PAGE, 0),
    ]
    with bed.probe.holding(device):
        for injection in bed.probe.inject_all(outside):
            assert (injection.rc, injection.calls) == (-errno.EOPNOTSUPP, []), injection


def test_endless_failure_ends(bed):
    # from somewhere to the end of the address space, which is past the end of the child
    child = bed.nvdimms[0]
    device = bed.device(DaxLinear(pages(600), child, pages(10)))
    with bed.probe.holding(device):
        injection = bed.probe.inject(child, PAGE, WHOLE - PAGE)
    assert notified(injection) == [(device.number, at * PAGE) for at in range(600)]


def test_page_mapped_twice_in_one_table(bed):
    child = bed.nvdimms[2]
    ranges = [
        (child, pages(100), pages(50)),
        (child, pages(120), pages(50)),
        (child, pages(110), pages(20)),
        (child, pages(100), pages(50)),
    ]
    device = bed.device(*targets("ranges", ranges))
    oracle = Oracle().map(device, ranges)
    failures: list[tuple] = [(child, at * PAGE) for at in range(95, 175)]
    failures += [(child, 90 * PAGE, 100 * PAGE), (child, 118 * PAGE, 4 * PAGE)]
    with bed.probe.holding(device):
        check_injections(bed, oracle, failures)


def test_page_mapped_by_several_devices(bed):
    child, other = bed.nvdimms[2], bed.nvdimms[0]
    layouts = [
        [(child, pages(100), pages(600))],
        [(other, 0, pages(7)), (child, pages(400), pages(600))],
        [(child, pages(690), pages(20)), (child, pages(100), pages(20))],
    ]
    devices = [bed.device(*targets("ranges", ranges)) for ranges in layouts]
    oracle = Oracle()
    for device, ranges in zip(devices, layouts, strict=True):
        oracle.map(device, ranges)
        bed.probe.hold(device)
    failures = [place for ranges in layouts for place in boundary_bytes(ranges)]
    failures += [(child, 50 * PAGE, 1000 * PAGE)]
    check_injections(bed, oracle, failures)


def test_beside_a_dm_linear_line(bed):
    # a table with lines of daxlinear and of others: only failures of the former are forwarded
    child, other = bed.nvdimms[2], bed.nvdimms[0]
    size = pages(50)
    device = bed.device(DaxLinear(size, child, 0), Linear(size, other, 0),
                        DaxLinear(size, child, size))
    with bed.probe.holding(device):
        injections = bed.probe.inject_all([(child, PAGE), (other, PAGE), (child, 51 * PAGE)])
    assert [notified(injection) for injection in injections] == [
        [(device.number, PAGE)], [], [(device.number, 101 * PAGE)]]


def test_partitions_of_one_disk(bed):
    # partitions are parts of one dax_device, so they share a slot and its offsets
    disk = bed.nvdimms[1]
    first = bed.enter(disk.partition(pages(1000), pages(500), number=1))
    second = bed.enter(disk.partition(pages(1500), pages(500), number=2))
    ranges = [(second, 0, pages(100)), (first, pages(50), pages(100)),
              (second, pages(400), pages(10))]
    device = bed.device(*targets("ranges", ranges))
    other_ranges = [(first, pages(450), pages(50))]
    other = bed.device(*targets("lines", other_ranges))
    oracle = Oracle().map(device, ranges).map(other, other_ranges)
    bed.probe.hold(device)
    bed.probe.hold(other)
    check_injections(bed, oracle, boundary_bytes(ranges + other_ranges) + [(disk, 0, 2500 * PAGE)])


def test_device_of_no_whole_pages(bed):
    # no filesystem can use DAX on it, and to look that up would log a line each time
    child = bed.nvdimms[0]
    bed.device(DaxLinear(pages(8), child), Linear(1, child, pages(8)))
    mark = bed.kmsg.mark()
    for _ in range(2):
        injection = bed.probe.inject(child, PAGE)
        assert (injection.rc, injection.calls) == (-errno.EOPNOTSUPP, [])
    assert not bed.kmsg.find("unaligned partition for dax", mark)


@pytest.mark.parametrize("kind", ["ranges", "lines"])
def test_through_memory_failure(bed, kind):
    # the whole path below XFS; the probe handles the failures, so no page is poisoned
    ranges = three_children(bed)
    device = bed.device(*targets(kind, ranges))
    oracle = Oracle().map(device, ranges)
    # the pages around the start and the end of each range, and some between
    places = boundary_bytes(ranges) + random_bytes(ranges, 130, kind)
    places = [(disk, byte) for disk, byte in places if oracle.where(disk, byte)]
    assert len(places) > 100

    with bed.probe.holding(device):
        bed.probe.reset()
        for disk, byte in places:
            poison.fail_page(disk.pfn(byte))
        done, calls = bed.probe.records()
    assert not done
    assert [(call.dev, call.off, call.len) for call in calls] == [
        (*oracle.where(disk, byte)[0], PAGE) for disk, byte in places]


def test_whole_child_gone(bed):
    # one call for each parent, of the span of the child's ranges; others are not notified
    gone, other = bed.nvdimms[2], bed.nvdimms[0]
    layouts = [
        [(other, 0, pages(10)), (gone, pages(500), pages(20)), (other, pages(10), pages(5)),
         (gone, pages(7), pages(600)), (other, pages(15), pages(3))],
        [(other, pages(100), pages(10))],
        [(gone, 0, HUGE_SECTORS)],
    ]
    devices = [bed.device(*targets("ranges", ranges)) for ranges in layouts]
    for device in devices:
        bed.probe.hold(device)
    injection = bed.probe.inject(gone, 0, WHOLE, 0)
    assert injection.rc == 0
    assert sorted((call.dev, call.off, call.len) for call in injection.calls) == sorted([
        (devices[0].number, 10 * PAGE, 625 * PAGE), (devices[2].number, 0, HUGE)])


@pytest.mark.parametrize("flags", [0, 1, 1 << 5, 1 << 7])
def test_flags_are_passed_on(bed, flags):
    child = bed.nvdimms[0]
    device = bed.device(DaxLinear(MIB_SECTORS, child, 0))
    with bed.probe.holding(device):
        for length in (PAGE, WHOLE):
            injection = bed.probe.inject(child, 0, length, flags)
            assert [call.flags for call in injection.calls] == [flags]


@pytest.mark.parametrize("answers, merged", [
    ([0, 0], 0),
    ([-errno.EOPNOTSUPP, -errno.EOPNOTSUPP], -errno.EOPNOTSUPP),
    ([-errno.EOPNOTSUPP, 0], 0),
    ([0, -errno.EOPNOTSUPP], 0),
    ([-errno.EIO, 0], -errno.EIO),
    ([0, -errno.EIO], -errno.EIO),
    ([-errno.EBUSY, -errno.EOPNOTSUPP], -errno.EBUSY),
    ([-errno.EOPNOTSUPP, -errno.EBUSY], -errno.EBUSY),
    ([None, 0], 0),
    ([None, -errno.EIO], -errno.EIO),
    ([None, -errno.EOPNOTSUPP], -errno.EOPNOTSUPP),
])
def test_answers_are_merged(bed, answers, merged):
    # None is a device that is not held
    child = bed.nvdimms[0]
    devices = [bed.device(DaxLinear(MIB_SECTORS, child, 0)) for _ in answers]
    for device, answer in zip(devices, answers, strict=True):
        if answer is not None:
            bed.probe.hold(device, answer)
    injection = bed.probe.inject(child, 3 * PAGE)
    assert injection.rc == merged
    assert sorted(call.dev for call in injection.calls) == sorted(
        device.number for device, answer in zip(devices, answers, strict=True)
        if answer is not None)


def test_memory_failure_is_told_as_handled(bed):
    # -EOPNOTSUPP, and only that, sends the page to the kernel's generic handling
    child = bed.nvdimms[0]
    device = bed.device(DaxLinear(MIB_SECTORS, child, 0))
    mark = bed.kmsg.mark()
    with bed.probe.holding(device):
        poison.fail_page(child.pfn(0))
        bed.probe.answer(device, -errno.EIO)
        with pytest.raises(OSError) as caught:
            poison.fail_page(child.pfn(PAGE))
    assert caught.value.errno == errno.EIO
    verdicts = [re.search(r"(Recovered|Failed|Ignored)$", line)[1]
                for line in bed.kmsg.find("recovery action for dax page", mark)]
    assert verdicts == ["Recovered", "Failed"]
