# SPDX-License-Identifier: GPL-2.0
"""Status, table, events, log and trace of a device."""

import errno
import re

import pytest

from lib.beside import Beside
from lib.command import CommandError, run
from lib.dm.status import Status
from lib.dm.target import DaxLinear, Linear
from lib.holders import attach
from lib.holders.attach import attached
from lib.holders.trace import Trace
from lib.units import HUGE, HUGE_SECTORS, MIB, MIB_SECTORS, PAGE, PAGE_SECTORS, SECTOR, WHOLE, pages

# where a page fails in the tests of the log, in bytes
_FAILED = 42 * PAGE

# what XFS returns as it shuts down: EUCLEAN by its other name
EFSCORRUPTED = errno.EUCLEAN


def test_a_new_device(bed):
    first, second = bed.nvdimms[:2]
    device = bed.device(DaxLinear(MIB_SECTORS, first, pages(1)),
                        DaxLinear.ranges([(second, 0, pages(1)), (first, 8000, pages(2)),
                                          (second, pages(1), pages(1))]))
    assert device.status_lines() == [
        f"0 {MIB_SECTORS} daxlinear 1 1 0 0 0 0 0 - 0",
        f"{MIB_SECTORS} {pages(4)} daxlinear 3 2 0 0 0 0 0 - 0",
    ]


@pytest.mark.parametrize("ranges, lost", [
    # (child, offset, sectors)
    ([(0, 0, HUGE_SECTORS)], None),
    ([(0, HUGE_SECTORS, pages(1))], None),
    ([(0, 0, HUGE_SECTORS), (1, 4 * HUGE_SECTORS, HUGE_SECTORS)], None),
    ([(0, pages(1), HUGE_SECTORS)], 0),
    ([(0, 0, HUGE_SECTORS), (1, pages(1), HUGE_SECTORS),
      (1, HUGE_SECTORS + pages(1), HUGE_SECTORS)], 1),
    # a short range shifts the next one
    ([(0, 0, pages(1)), (1, 0, HUGE_SECTORS)], 1),
    ([(0, 0, 2 * HUGE_SECTORS), (1, 0, pages(1)), (1, pages(1), pages(1))], 2),
])
def test_lost_pmd(bed, ranges, lost):
    # the range that the option refuses, by either name
    ranges = [(bed.nvdimms[child], offset, sectors) for child, offset, sectors in ranges]
    device = bed.device(DaxLinear.ranges(ranges))
    assert [status.lost_pmd for status in device.status()] == [lost]
    for option in ("align_pmd", "align_2m"):
        if lost is None:
            device.reload(DaxLinear.ranges(ranges, option))
            assert [status.lost_pmd for status in device.status()] == [None]
        else:
            mark = bed.kmsg.mark()
            with pytest.raises(CommandError):
                device.load(DaxLinear.ranges(ranges, option))
            assert bed.kmsg.find(f"range {lost}: .* or leave {option} out", mark)


def test_partitions_are_children(bed):
    # children are block devices: two partitions of one NVDIMM are two
    disk = bed.nvdimms[0]
    one = bed.enter(disk.partition(2048, 2048, 1))
    two = bed.enter(disk.partition(4096, 2048, 2))
    device = bed.device(DaxLinear.ranges([(one, 0, pages(1)), (two, 0, pages(1)),
                                          (one, pages(1), pages(1))]))
    assert device.status() == [Status(ranges=3, alive=2)]


def test_counters(bed):
    child = bed.nvdimms[0]
    device = bed.device(DaxLinear(MIB_SECTORS, child, 800))
    start = 800 * SECTOR

    # without a holder
    bed.probe.inject(child, start + 3 * PAGE)
    assert device.status() == [Status(received=1, generic=1, last=3 * PAGE_SECTORS)]
    with bed.probe.holding(device):
        bed.probe.inject(child, start + 5 * PAGE)
        assert device.status() == [
            Status(received=2, forwarded=1, handled=1, generic=1, last=5 * PAGE_SECTORS)]
        # forwarded, and left to generic handling
        bed.probe.answer(device, -errno.EOPNOTSUPP)
        bed.probe.inject(child, start)
        assert device.status() == [Status(received=3, forwarded=2, handled=1, generic=2, last=0)]
        # forwarded, and XFS shuts down
        bed.probe.answer(device, -EFSCORRUPTED)
        bed.probe.inject(child, start + MIB - PAGE)
        last = Status(received=4, forwarded=3, handled=2, generic=2,
                      last=MIB_SECTORS - PAGE_SECTORS)
        assert device.status() == [last]
        # pages that it does not map
        bed.probe.inject(child, start - PAGE)
        bed.probe.inject(child, start + MIB)
        assert device.status() == [last]


@pytest.mark.usefixtures("renewed")
@pytest.mark.parametrize("answer, handled, generic, said", [
    (0, 1, 0, "handled above (0)"),
    (-EFSCORRUPTED, 1, 0, f"handled above (-{EFSCORRUPTED})"),
    (-errno.EOPNOTSUPP, 0, 1, f"left to generic handling (-{errno.EOPNOTSUPP})"),
    # XFS returns them while it is mounted, behind its end, once it is shut down, for busy mappers
    (-errno.EIO, 0, 0, f"answered with an error (-{errno.EIO})"),
    (-errno.ENXIO, 0, 0, f"answered with an error (-{errno.ENXIO})"),
    (-errno.EBUSY, 0, 0, f"answered with an error (-{errno.EBUSY})"),
])
def test_handled_is_what_was_handled(bed, answer, handled, generic, said):
    """An error is not counted as handled; it prevents generic handling all the same."""
    child, beside = bed.nvdimms[:2]
    low = bed.device(DaxLinear(MIB_SECTORS, child, pages(10)))
    high = bed.device(DaxLinear(MIB_SECTORS // 2, low, pages(10)))
    stock = bed.device(Linear(MIB_SECTORS, beside))
    bed.enter(attached(stock, beside))
    for device in (high, stock):
        bed.probe.hold(device, answer)
    mark = bed.kmsg.mark()
    for number in range(1, 3):
        for disk in (child, beside):
            assert bed.probe.inject(disk, 20 * PAGE).rc == answer
        assert [device.status()[0] for device in (low, high)] == [
            Status(received=number, forwarded=number, handled=number * handled,
                   generic=number * generic, last=last)
            for last in (pages(10), 0)]
        assert [attach.attribute(stock, beside, name) for name in (
            "received", "forwarded", "handled", "generic")] == [
            str(count) for count in (number, number, number * handled, number * generic)]
    lines = bed.kmsg.find("dax_holder: .* failed", mark)
    assert len(lines) == 6
    assert all(line.endswith(f": {said}") for line in lines), lines


def test_each_target_counts_for_itself(bed):
    first, second = bed.nvdimms[:2]
    device = bed.device(DaxLinear(MIB_SECTORS, first, 0),
                        Linear(MIB_SECTORS, bed.nvdimms[2], 0),
                        DaxLinear.ranges([(second, 0, pages(1)), (first, 8000, pages(2))]))
    with bed.probe.holding(device):
        bed.probe.inject_all([(first, 0), (first, 8000 * SECTOR), (second, 0), (second, PAGE)])
    lines = device.status_lines()
    assert Status.parse(lines[0]) == Status(received=1, forwarded=1, handled=1, last=0)
    assert lines[1] == f"{MIB_SECTORS} {MIB_SECTORS} linear "
    assert Status.parse(lines[2]) == Status(ranges=2, alive=2, received=2, forwarded=2, handled=2,
                                            last=2 * MIB_SECTORS)


def test_sectors_are_the_mapped_devices(bed):
    # a sector of the second target is counted from the start of the device
    child = bed.nvdimms[0]
    device = bed.device(DaxLinear(MIB_SECTORS, child, 0),
                        DaxLinear(MIB_SECTORS, child, 80000))
    with bed.probe.holding(device):
        bed.probe.inject(child, (80000 + pages(10)) * SECTOR)
    assert [status.last for status in device.status()] == [None, MIB_SECTORS + pages(10)]


def test_every_parent_counts(bed):
    child = bed.nvdimms[0]
    devices = [bed.device(DaxLinear(MIB_SECTORS, child, pages(1) * number)) for number in range(3)]
    bed.probe.hold(devices[0])
    bed.probe.inject(child, 2 * PAGE)
    assert [device.status()[0] for device in devices] == [
        Status(received=1, forwarded=1, handled=1, last=pages(2)),
        Status(received=1, generic=1, last=pages(1)),
        Status(received=1, generic=1, last=0)]


def test_counters_outlive_a_reload(bed):
    child = bed.nvdimms[0]
    device = bed.device(DaxLinear(MIB_SECTORS, child, 0))
    bed.probe.inject(child, 0)
    device.load(DaxLinear(2 * MIB_SECTORS, child, 0))
    # both tables map it; it counts once
    bed.probe.inject(child, 0)
    assert device.status() == [Status(received=2, generic=2, last=0)]
    device.resume()
    assert device.status() == [Status(received=2, generic=2, last=0)]
    bed.probe.inject(child, MIB)
    assert device.status() == [Status(received=3, generic=3, last=MIB_SECTORS)]


def test_child_gone(bed):
    gone, there = bed.nvdimms[:2]
    device = bed.device(DaxLinear.ranges([
        (child, offset, pages(10)) for offset in (0, pages(10)) for child in (there, gone)]))
    with bed.probe.holding(device):
        bed.probe.inject(gone, 0, WHOLE)
    # one failure, at the first range of the child
    assert device.status() == [
        Status(ranges=4, gone=1, received=1, forwarded=1, handled=1, last=pages(10))]


@pytest.mark.parametrize("options", [[], ["align_pmd"], ["align_2m"], ["allow_move"],
                                     ["allow_move", "align_pmd"],
                                     ["allow_move", "align_2m", "align_pmd"]])
def test_table_loads_again(bed, options):
    first, second = bed.nvdimms[0], bed.nvdimms[3]
    partition = bed.enter(second.partition(HUGE_SECTORS, 8 * HUGE_SECTORS))
    device = bed.device(
        DaxLinear(HUGE_SECTORS, first, 4 * HUGE_SECTORS),
        DaxLinear.ranges([(first, HUGE_SECTORS, HUGE_SECTORS)], *options),
        DaxLinear.ranges([(partition, 0, HUGE_SECTORS), (first, 2 * HUGE_SECTORS, HUGE_SECTORS),
                          (partition, 5 * HUGE_SECTORS, 2 * HUGE_SECTORS)], *options))
    places = [(device, page * PAGE) for page in range(0, 5 * HUGE // PAGE, 37)]
    text, memory = device.table_text(), bed.probe.lookup(places)
    assert set(text.split()) & {"align_pmd", "align_2m", "allow_move"} == set(options)

    # an error target in between, so that only the text is kept
    device.reload(f"0 {PAGE_SECTORS} error")
    device.reload(text)
    assert device.table_text() == text
    assert bed.probe.lookup(places) == memory


@pytest.mark.parametrize("given, shown", [
    ("{path} 800", "{number} 800"),
    ("1 {path} 800 2048", "{number} 800"),
    ("1 {path} 800 2048 0", "{number} 800"),
    ("1 {path} 0 2048 1 allow_move", "1 {number} 0 2048 1 allow_move"),
    ("2 {path} 0 1024 {number} 1024 1024", "2 {number} 0 1024 {number} 1024 1024"),
])
def test_table_in_its_shortest_form(bed, given, shown):
    child = bed.nvdimms[0]
    words = {"path": child.path, "number": child.number}
    device = bed.device(f"0 2048 daxlinear {given.format(**words)}")
    assert device.table_text() == f"0 2048 daxlinear {shown.format(**words)}\n"


def test_linear_tables_load_with_the_word_swapped(bed):
    first, second = bed.nvdimms[:2]
    stock = bed.device(Linear(2048, first, pages(1)), Linear(4096, second, pages(10)))
    text = stock.table_text()
    stock.remove()
    device = bed.device(text.replace(" linear ", " daxlinear "))
    assert device.table_text().replace(" daxlinear ", " linear ") == text


def test_big_table(bed):
    # a table longer than dm's first buffer
    child = bed.nvdimms[0]
    ranges = [(child, pages(2) * number, pages(1)) for number in range(3000)]
    device = bed.device(DaxLinear.ranges(ranges))
    text = device.table_text()
    # the call and dmsetup both ask again with a longer buffer
    assert run("dmsetup", "table", device.name) == text
    words = text.split()
    assert words[3] == "3000"
    assert words[4:] == [str(word) for _, offset, sectors in ranges
                         for word in (child.number, offset, sectors)]
    assert device.status() == [Status(ranges=3000)]


def test_event(bed):
    child = bed.nvdimms[0]
    device = bed.device(DaxLinear(MIB_SECTORS, child, 0))
    other = bed.device(DaxLinear(MIB_SECTORS, child, MIB_SECTORS))
    before = device.events(), other.events()
    with Beside("dmsetup", "wait", device.name, before[0]) as waiting, \
            Beside("dmsetup", "wait", other.name, before[1]) as waiting_other:
        with bed.probe.holding(device):
            bed.probe.inject(child, PAGE)
        waiting.end()
        assert device.events() > before[0]
        # nothing has failed there
        assert waiting_other.running
        assert other.events() == before[1]
        # a failure raises an event without a holder, too
        bed.probe.inject(child, MIB + PAGE)
        waiting_other.end()


def test_event_after_a_reload(bed):
    # the live table raises the event, not the one that was there first
    child = bed.nvdimms[0]
    device = bed.device(DaxLinear(MIB_SECTORS, child, 0))
    device.reload(DaxLinear(2 * MIB_SECTORS, child, 0))
    with Beside("dmsetup", "wait", device.name, device.events()) as waiting:
        bed.probe.inject(child, PAGE)
        waiting.end()


@pytest.mark.usefixtures("renewed")
def test_log_line(bed):
    # it has the child and both offsets
    child = bed.nvdimms[0]
    device = bed.device(DaxLinear(MIB_SECTORS, bed.nvdimms[1], 0),
                        DaxLinear(MIB_SECTORS, child, pages(10)))
    mark = bed.kmsg.mark()
    with bed.probe.holding(device):
        bed.probe.inject(child, _FAILED)
    lines = bed.kmsg.find("dax_holder: ", mark)
    assert len(lines) == 1
    place = MIB + _FAILED - 10 * PAGE
    for word in (child.name, f"{_FAILED:#x}", device.disk, f"{place:#x}",
                 f"sector {place // SECTOR}"):
        assert re.search(rf"\b{re.escape(word)}\b", lines[0]), (word, lines[0])


@pytest.mark.usefixtures("renewed")
def test_log_names_what_failed_on_every_floor(bed):
    # it has the child whose page failed and the offset there, not the floor below
    child = bed.nvdimms[0]
    low = bed.device(DaxLinear(MIB_SECTORS, child, pages(10)))
    high = bed.device(DaxLinear(MIB_SECTORS // 2, low, pages(20)))
    bed.enter(bed.probe.holding(high))
    mark = bed.kmsg.mark()
    with Trace("dax_holder/dax_holder_failure") as trace:
        bed.probe.inject(child, _FAILED)
        found = trace.fields()
    places = [(device.disk, _FAILED - start * PAGE) for device, start in ((low, 10), (high, 30))]
    assert sorted(line.partition("dax_holder: ")[2] for line in
                  bed.kmsg.find("dax_holder: .* failed", mark)) == sorted(
        f"{child.name} failed at {_FAILED:#x} for {PAGE:#x} bytes, {name} holds it at 0x{place:x} "
        f"(sector {place // SECTOR}): handled above (0)" for name, place in places)
    assert sorted((event["child"], int(event["child_bytes"], 0), event["parent"],
                   int(event["parent_bytes"], 0)) for event in found) == sorted(
        (child.name, _FAILED, *place) for place in places)


@pytest.mark.usefixtures("renewed")
def test_log_is_bounded(bed):
    # failures must not push all else out of the log
    child = bed.nvdimms[0]
    bed.device(DaxLinear(8 * MIB_SECTORS, child, 0))
    mark = bed.kmsg.mark()
    bed.probe.inject_all([(child, page * PAGE) for page in range(2000)])
    assert 1 <= len(bed.kmsg.find("dax_holder: .* failed", mark)) < 200


def test_tracepoint(bed):
    # for all failures, also those that the log leaves out
    child = bed.nvdimms[0]
    device = bed.device(DaxLinear(8 * MIB_SECTORS, child, 80))
    with Trace("dax_holder/dax_holder_failure") as trace, bed.probe.holding(device):
        bed.probe.inject_all([(child, (10 + page) * PAGE, PAGE, page % 4)
                              for page in range(100)])
        bed.probe.answer(device, -errno.EIO)
        bed.probe.inject(child, 10 * PAGE)
        found = trace.fields()
    expected = [(child.name, (10 + page) * PAGE, device.disk, page * PAGE, PAGE, page % 4, 0)
                for page in range(100)]
    expected.append((child.name, 10 * PAGE, device.disk, 0, PAGE, 0, -errno.EIO))
    assert [(event["child"], int(event["child_bytes"], 0), event["parent"],
             int(event["parent_bytes"], 0), int(event["len_bytes"], 0),
             int(event["mf_flags"], 0), int(event["rc"])) for event in found] == expected
