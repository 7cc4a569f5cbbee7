# SPDX-License-Identifier: GPL-2.0
"""Each failure of a child is recorded, from its first hold until dax_holder is unloaded."""

import errno

import pytest

from lib.dm.target import DaxLinear, Linear
from lib.holders.attach import attached
from lib.holders.record import EVENTS, Record, recorded
from lib.units import PAGE, SECTOR, WHOLE, pages

pytestmark = pytest.mark.usefixtures("renewed")


def test_from_the_first_hold(bed):
    child, other = bed.nvdimms[:2]
    assert not recorded()
    device = bed.device(DaxLinear(pages(8), child))
    record = Record(child)
    assert recorded() == [child.name]
    assert record.text("record") == record.text("events") == ""
    assert [record.number(name) for name in ("seq", "failures", "overflow", "gone")] == [0] * 4
    assert record.text("dev") == child.number
    # attaching holds it, too; the mapped device below is no child with memory of its own
    above = bed.device(Linear(pages(8), device))
    with attached(above, other, device):
        assert recorded() == sorted([child.name, other.name])
    assert recorded() == sorted([child.name, other.name])


def test_each_result(bed):
    child = bed.nvdimms[0]
    device = bed.device(DaxLinear(pages(8), child, pages(8)))
    record = Record(child)
    bed.probe.inject(child, 8 * PAGE)
    for rc in (0, -errno.EUCLEAN, -errno.EIO):
        with bed.probe.holding(device, rc):
            bed.probe.inject(child, 9 * PAGE)
    bed.probe.inject(child, 0, 2 * PAGE)
    events = record.events()
    sectors = PAGE // SECTOR
    assert [event[2:] for event in events] == [
        (8 * sectors, sectors, "generic", "-"), (9 * sectors, sectors, "handled", "-"),
        (9 * sectors, sectors, "handled", "shutdown"),
        (9 * sectors, sectors, str(-errno.EIO), "-"), (0, 2 * sectors, "unused", "-")]
    assert [event.seq for event in events] == [1, 3, 5, 7, 9]
    assert record.seq == 10 and record.number("failures") == 5
    assert record.ranges() == [(0, 2 * sectors), (8 * sectors, 2 * sectors)]


def test_more_than_fit(bed):
    child = bed.nvdimms[0]
    bed.device(DaxLinear(pages(8), child))
    record = Record(child)
    room = PAGE // 8
    bed.probe.inject_all([(child, 2 * number * PAGE) for number in range(1500)])
    sectors = PAGE // SECTOR
    assert record.ranges() == [(2 * number * sectors, sectors) for number in range(room)]
    assert record.number("failures") == 1500
    assert record.number("overflow") == 1500 - room
    events = record.events()
    assert len(events) == EVENTS
    assert [event.sector for event in events] == [
        2 * number * sectors for number in range(1500 - EVENTS, 1500)]
    assert [event.flags for event in events] == [
        "-" if number < room else "overflow" for number in range(1500 - EVENTS, 1500)]
    assert len(bed.kmsg.find("its record of failed ranges is full")) == 1


def test_gone(bed):
    child = bed.nvdimms[0]
    device = bed.device(DaxLinear(pages(8), child))
    bed.enter(bed.probe.holding(device))
    record = Record(child)
    bed.probe.inject(child, 0, WHOLE)
    assert [event[2:] for event in record.events()] == [(0, 0, "handled", "gone")]
    assert not record.ranges()
    assert record.text("gone") == "1"
