# SPDX-License-Identifier: GPL-2.0
"""Several floors: a failure is forwarded once to each holder above, by however many ways."""

import errno

import pytest

from lib.dm.status import Status
from lib.dm.target import DaxLinear, Linear
from lib.holders import attach
from lib.holders.attach import attached
from lib.judge.live import Live
from lib.judge.oracle import notified
from lib.units import PAGE, WHOLE, pages


def counts(device, child):
    """Return the counters of a device that is attached to a child."""
    return tuple(int(attach.attribute(device, child, name))
                 for name in ("received", "forwarded", "handled"))


def once(injection, device, *places):
    """Assert that a device was notified of each of these pages, once, and no other device."""
    assert [(call.dev, call.off, call.len) for call in injection.calls] == [
        (device.number, page * PAGE, PAGE) for page in places], injection
    assert injection.rc == 0


@pytest.fixture(name="child")
def _child(bed):
    return bed.nvdimms[0]


def test_registered_and_attached_below_is_told_once(bed, child):
    """Daxlinear on daxlinear as the tool makes it; the upper one is also attached to the NVDIMM."""
    low = bed.device(DaxLinear(pages(8), child, pages(8)))
    high = bed.device(DaxLinear(pages(4), low, pages(2)))
    bed.enter(bed.probe.holding(high))
    with attached(high, child):
        for number, page in enumerate((0, 3), start=1):
            once(bed.probe.inject(child, (10 + page) * PAGE), high, page)
            for device, at in ((low, page + 2), (high, page)):
                assert device.status() == [Status(
                    received=number, forwarded=number, handled=number, last=pages(at))], device
            assert counts(high, child) == (number, number, number)
        # a page that only the lower one maps
        assert not bed.probe.inject(child, 8 * PAGE).calls
        assert low.status() == [Status(received=3, forwarded=3, handled=2, generic=1, last=0)]
        assert counts(high, child) == (2, 2, 2)
        # the child goes: one call for each, of the same extent
        injection = bed.probe.inject(child, 0, WHOLE)
        assert [(call.dev, call.off, call.len) for call in injection.calls] == [
            (high.number, 0, 4 * PAGE)]
        assert counts(high, child) == (3, 3, 3)


@pytest.mark.parametrize("names", [("child",), ("low",), ("low", "child"), ("child", "low")],
                         ids="+".join)
def test_attached_to_any_floor_is_told_once(bed, child, names):
    # a stock device; one page in two places of it, the other in one
    low = bed.device(DaxLinear(pages(8), child))
    ranges = [(low, 0, pages(8)), (low, pages(4), pages(4))]
    high = bed.device(*[Linear(sectors, device, offset)
                        for device, offset, sectors in ranges])
    bed.enter(bed.probe.holding(high))
    below = {"child": child, "low": low}
    bed.enter(attached(high, *[below[name] for name in names]))
    once(bed.probe.inject(child, 3 * PAGE), high, 3)
    once(bed.probe.inject(child, 5 * PAGE), high, 5, 9)
    assert low.status()[0].received == 2
    # each of the three failures counts for the attachment by which it came first
    assert max(counts(high, below[name])[0] for name in names) == 3
    injection = bed.probe.inject(child, 0, WHOLE)
    assert [(call.dev, call.off, call.len) for call in injection.calls] == [
        (high.number, 0, 12 * PAGE)]


# for each floor, the floors below to which it is attached, 0 being the NVDIMM
WAYS = {
    "to the leaf": [(0,), (0,), (0,)],
    "to the floor below": [(0,), (1,), (2,)],
    "to all below": [(0,), (1, 0), (2, 1, 0)],
    "from below": [(0,), (0, 1), (0, 1, 2)],
    "past the middle": [(0,), (), (1, 0)],
}


@pytest.mark.parametrize("ways", WAYS.values(), ids=list(WAYS))
@pytest.mark.parametrize("target", [DaxLinear, Linear], ids=["daxlinear", "linear"])
def test_three_floors_attached_are_told_once(bed, child, target, ways):
    floors, sectors = [child], pages(32)
    for attachments in ways:
        sectors -= pages(4)
        device = bed.device(target(sectors, floors[-1], pages(4)))
        bed.enter(attached(device, *[floors[number] for number in attachments]))
        floors.append(device)
    top = floors[-1]
    bed.enter(bed.probe.holding(top))
    # the top maps it from the 12th page on
    for page in (0, 19):
        once(bed.probe.inject(child, (12 + page) * PAGE), top, page)
    for page in (11, 32):
        assert not bed.probe.inject(child, page * PAGE).calls
    if target is DaxLinear:
        assert [device.status()[0].received for device in floors[1:]] == [3, 3, 2]
        assert [device.status()[0].handled for device in floors[1:]] == [2, 2, 2]
    # several pages, some of which no device maps
    injection = bed.probe.inject(child, 8 * PAGE, 16 * PAGE)
    assert notified(injection) == [(top.number, page * PAGE) for page in range(12)]
    assert len(injection.calls) == 1
    injection = bed.probe.inject(child, 0, WHOLE)
    assert [(call.dev, call.off, call.len) for call in injection.calls] == [
        (top.number, 0, 20 * PAGE)]


def test_live_and_loaded_table_on_two_floors_are_told_once(bed, child):
    # the loaded table maps the same page through one more floor
    low = bed.device(DaxLinear(pages(8), child, pages(8)))
    device = bed.device(DaxLinear(pages(8), child, pages(8)))
    bed.enter(bed.probe.holding(device))
    for new in (DaxLinear(pages(8), low), DaxLinear(pages(8), child, pages(8))):
        device.load(new)
        once(bed.probe.inject(child, 10 * PAGE), device, 2)
        injection = bed.probe.inject(child, 0, 64 * PAGE)
        assert notified(injection) == [(device.number, page * PAGE) for page in range(8)]
        # and the reverse
        device.resume()
        once(bed.probe.inject(child, 15 * PAGE), device, 7)
    device.load(DaxLinear(pages(8), low))
    injection = bed.probe.inject(child, 0, WHOLE)
    assert [(call.dev, call.off, call.len) for call in injection.calls] == [
        (device.number, 0, 8 * PAGE)]
    # it received each failure once
    assert device.status()[0].received == 7


def test_over_two_middles_each_place_is_told_once(bed, child):
    # the top has the page through each of the two, and by a range of its own
    middles = [bed.device(DaxLinear(pages(8), child, pages(start)))
               for start in (0, 4)]
    ranges = [(middles[0], 0, pages(8)), (middles[1], 0, pages(8)), (child, pages(2), pages(8))]
    flat = [(child, 0, pages(8)), (child, pages(4), pages(8)), (child, pages(2), pages(8))]
    top = bed.device(DaxLinear.ranges(ranges))
    bed.enter(bed.probe.holding(top))
    live = Live(bed, flat)
    live.map(top, flat)
    live.check()
    once(bed.probe.inject(child, 5 * PAGE), top, 5, 9, 19)
    # the same with all of them attached
    for middle in middles:
        bed.enter(attached(middle, child))
        bed.enter(attached(top, middle))
    bed.enter(attached(top, child))
    live.check()
    once(bed.probe.inject(child, 5 * PAGE), top, 5, 9, 19)
    injection = bed.probe.inject(child, 4 * PAGE, 4 * PAGE)
    places = [*range(4, 8), *range(8, 12), *range(18, 22)]
    assert notified(injection) == [(top.number, page * PAGE) for page in places]
    injection = bed.probe.inject(child, 0, WHOLE)
    assert [(call.dev, call.off, call.len) for call in injection.calls] == [
        (top.number, 0, 24 * PAGE)]


def test_live_over_one_middle_and_loaded_over_another_is_told_once(bed, child):
    middles = [bed.device(DaxLinear(pages(8), child, pages(start)))
               for start in (4, 2)]
    top = bed.device(DaxLinear(pages(4), middles[0]))
    bed.enter(bed.probe.holding(top))
    top.load(DaxLinear(pages(4), middles[1], pages(2)))
    once(bed.probe.inject(child, 6 * PAGE), top, 2)
    top.resume()
    once(bed.probe.inject(child, 6 * PAGE), top, 2)
    assert [middle.status()[0].received for middle in middles] == [2, 2]
    assert top.status()[0].received == 2


def test_generic_handling_by_two_ways(bed, child):
    # "generic" counts it once as well
    low = bed.device(DaxLinear(pages(8), child))
    high = bed.device(DaxLinear(pages(8), low))
    bed.enter(attached(high, child))
    bed.enter(bed.probe.holding(high, -errno.EOPNOTSUPP))
    injection = bed.probe.inject(child, PAGE)
    assert len(injection.calls) == 1 and injection.rc == -errno.EOPNOTSUPP
    assert [device.status()[0] for device in (low, high)] == [
        Status(received=1, forwarded=1, generic=1, last=pages(1))] * 2
    assert counts(high, child) == (1, 1, 0)


def layout(first, second):
    """Return ranges as create and extend make them: of one, of the other, of the first again."""
    return [(first, 0, pages(8)), (second, 0, pages(8)), (first, pages(8), pages(8))]


# how the upper device is notified: as daxlinear, or as attached to what is below
ABOVE = {
    "registered": (DaxLinear, ()),
    "attached to the floor": (Linear, ("middle",)),
    "attached to the leaves": (Linear, ("first", "second")),
    "attached to all": (Linear, ("middle", "first", "second")),
    "both": (DaxLinear, ("first", "second")),
}


@pytest.mark.parametrize("target, names", ABOVE.values(), ids=list(ABOVE))
def test_child_gone_concerns_those_who_map_it(bed, target, names):
    """A device with only pages of another child is not notified; the others are, once."""
    first, second = bed.nvdimms[:2]
    middle = bed.device(DaxLinear.ranges(layout(first, second)))
    below = {"first": first, "second": second, "middle": middle}
    layouts = [
        # of the child that fails: nothing; some at the end; some in the middle; all; some twice
        [(middle, pages(8), pages(8))],
        [(middle, pages(12), pages(8))],
        [(middle, pages(9), pages(3)), (middle, pages(20), pages(2)),
         (middle, pages(10), pages(5))],
        [(middle, 0, pages(24))],
        [(middle, pages(14), pages(4)), (middle, pages(8), pages(8)), (middle, pages(1), pages(2))],
    ]
    spans = [None, (4, 4), (3, 2), (0, 24), (2, 12)]
    devices = [bed.device(*[target(sectors, device, offset)
                            for device, offset, sectors in ranges])
               for ranges in layouts]
    for device in devices:
        bed.enter(attached(device, *[below[name] for name in names]))
        bed.enter(bed.probe.holding(device))
    injection = bed.probe.inject(first, 0, WHOLE)
    assert sorted((call.dev, call.off // PAGE, call.len // PAGE) for call in injection.calls) == (
        sorted((device.number, *span) for device, span in zip(devices, spans, strict=True) if span))
    assert injection.rc == 0
    # the attachments to the lowest floor bypass the device in the middle
    held = target is DaxLinear or "middle" in names
    assert middle.status() == [Status(ranges=3, gone=1, received=1, forwarded=held, handled=held,
                                      generic=not held, last=0)]
    if target is DaxLinear:
        assert [[status.received for status in device.status()] for device in devices] == [
            [0], [1], [0, 1, 0], [1], [1, 0, 0]]


def test_mapped_device_that_goes_concerns_those_above_it(bed, child):
    # the device on the other one has the same pages through that
    lows = [bed.device(DaxLinear(pages(8), child)) for _ in range(2)]
    tops = [bed.device(DaxLinear(pages(8), low)) for low in lows]
    for top in tops:
        bed.enter(bed.probe.holding(top))
    injection = bed.probe.inject(lows[0], 0, WHOLE)
    assert [(call.dev, call.off, call.len) for call in injection.calls] == [
        (tops[0].number, 0, 8 * PAGE)]
