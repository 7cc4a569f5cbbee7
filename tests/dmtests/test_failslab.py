# SPDX-License-Identifier: GPL-2.0
"""Every allocation fails in turn: what needs memory fails cleanly, and nothing else needs any."""

import pytest

from lib.command import CommandError, run
from lib.dm.target import DaxLinear, Linear
from lib.holders import faults
from lib.holders.attach import attach, attached, detach, listed, attribute
from lib.holders.record import Record
from lib.judge.live import Live
from lib.module import HOLDER, TARGET
from lib.units import WHOLE, pages

pytestmark = [pytest.mark.needs(faults.FAILSLAB), pytest.mark.usefixtures("hurry")]


def plain(children):
    """Return the ranges of a table in dm-linear's form."""
    return [(children[0], 0, pages(8))]


def several(children):
    """Return ranges of several children, each of them twice."""
    return [(child, pages(start), pages(8)) for start in (0, 64) for child in children]


def indexed(children):
    """Return the fewest ranges that need an index: the table takes less than a page of memory."""
    return [(children[number % 2], pages(2 * number), pages(1)) for number in range(73)]


def many(children):
    """Return so many ranges that they take several pages of memory."""
    return [(children[number % 2], pages(2 * number), pages(1)) for number in range(300)]


def targets(ranges):
    """Return the target of some ranges, in the plain form where there is one."""
    return DaxLinear(ranges[0][2], *ranges[0][:2]) if len(ranges) == 1 else DaxLinear.ranges(ranges)


def all_free(bed):
    """Return whether the slot of each child is free."""
    return all(map(bed.probe.is_free, bed.nvdimms))


@pytest.mark.parametrize("layout", [plain, several, indexed, many],
                         ids=lambda layout: layout.__name__)
def test_first_table(bed, layout):
    ranges = layout(bed.nvdimms)
    device = bed.device()
    failures = 0
    for failed in faults.each("daxlinear_ctr", lambda: device.load(targets(ranges))):
        if failed:
            failures += 1
            assert not device.table_text("--inactive")
        else:
            device.clear()
        assert all_free(bed)
        # the next try finds nothing left of this one
        device.load(targets(ranges))
        device.clear()
    # the target, its ranges, its devices and the claim on them at least
    assert failures > 8
    device.resume()
    live = Live(bed, ranges)
    with bed.probe.holding(device):
        live.map(device, ranges)
        live.check()


@pytest.mark.usefixtures("modules")
def test_first_hold(bed):
    ranges = plain(bed.nvdimms)
    device = bed.device()
    failures = 0
    for failed in faults.each("dm_table_add_target", lambda: device.load(targets(ranges))):
        failures += failed
        if not failed:
            device.clear()
        assert all_free(bed)
        # so that each load is the first hold of the child, which makes its record
        TARGET.remove()
        HOLDER.remove()
        HOLDER.insert()
        TARGET.insert()
    # those of a later hold, the record, its table, its directory and the names of the files in it
    assert failures > 20
    device.resume()
    with bed.probe.holding(device):
        bed.probe.inject(bed.nvdimms[0], 0)
    assert Record(bed.nvdimms[0]).number("failures") == 1


@pytest.mark.usefixtures("modules")
def test_no_list_of_bad_blocks(bed):
    # by its function: what a record takes before it varies in number
    device = bed.device()
    TARGET.remove()
    HOLDER.remove()
    HOLDER.insert()
    TARGET.insert()
    assert list(faults.each(
        "badblocks_init", lambda: device.load(targets(plain(bed.nvdimms))))) == [True, False]


@pytest.mark.parametrize("layout", [plain, several], ids=lambda layout: layout.__name__)
def test_reload(bed, layout):
    # the live table goes on, whether the new one is loaded or not
    ranges = layout(bed.nvdimms)
    grown = ranges + [(bed.nvdimms[1], pages(128), pages(8))]
    device = bed.device(targets(ranges))
    bed.enter(bed.probe.holding(device))
    live = Live(bed, grown)
    live.map(device, ranges)
    failures = 0
    for failed in faults.each("daxlinear_ctr", lambda: device.load(targets(grown))):
        failures += failed
        live.check()
        device.clear()
        live.check()
    assert failures > 8
    device.resume()
    live.map(device, grown)
    live.check()


def none(function, call):
    """Assert that a call allocates nothing below a function."""
    # the kernel's own checks allocate once, the first time
    call()
    assert not list(faults.each(function, call))


def test_all_that_must_not_fail(bed):
    first, second = bed.nvdimms[:2]
    ranges = [(first, 0, pages(8)), (second, 0, pages(8))]
    device = bed.device(targets(ranges))
    none("daxlinear_status", device.status)
    none("daxlinear_status", device.table_text)

    def resume():
        device.load(targets(ranges))
        device.resume()
    none("daxlinear_preresume", resume)
    none("daxlinear_dtr", resume)
    with pytest.raises(CommandError, match="Invalid argument"):
        run("dmsetup", "message", device.name, "0", "anything")


def test_telling(bed):
    # without a holder above, so that every allocation would be ours
    first, second, third = bed.nvdimms[:3]
    ranges = [(first, 0, pages(8)), (second, 0, pages(8)), (first, pages(16), pages(8)),
              (third, 0, pages(8))]
    device = bed.device(targets(ranges))
    bed.device(targets([(device, pages(2), pages(20))]))
    stock = bed.device(Linear(pages(8), first))
    bed.enter(attached(stock, first))
    none("dxh_notify_failure", lambda: bed.probe.inject(first, pages(3)))
    # a child goes only once, so the next call takes another one
    going = iter([third, second, first])
    none("dxh_notify_failure", lambda: bed.probe.inject(next(going), 0, WHOLE))
    assert device.status()[0].received == 6
    assert attribute(stock, first, "received") == "4"


# so that the child has no record yet
@pytest.mark.usefixtures("renewed")
def test_attach(bed):
    first, second = bed.nvdimms[:2]
    ranges = [(first, pages(8), pages(8)), (second, 0, pages(8))]
    device = bed.device(*[Linear(sectors, child, offset)
                          for child, offset, sectors in ranges])
    bed.enter(bed.probe.holding(device))
    live = Live(bed, ranges)
    failures = 0
    for failed in faults.each("attach_store", lambda: attach(device, first)):
        failures += failed
        if failed:
            assert not listed() and all_free(bed)
        else:
            detach(device, first)
    # at least the order's text, the attachment, the child's slot and its record
    assert failures > 8
    # beside another attachment
    for failed in faults.each("attach_store", lambda: attach(device, second)):
        if not failed:
            detach(device, second)
        assert listed() == [(first.name, device.disk)]
    live.map(device, ranges)
    live.check()
    for failed in faults.each("detach_store", lambda: detach(device, first)):
        if not failed:
            attach(device, first)
        assert len(listed()) == 2
    detach(device, second)
    assert all_free(bed)


def test_attach_to_a_mapped_device(bed):
    # it has a directory only while something is attached to it
    below = bed.device(Linear(pages(8), bed.nvdimms[0]))
    device = bed.device(Linear(pages(8), below))
    failures = 0
    for failed in faults.each("attach_store", lambda: attach(device, below)):
        failures += failed
        if failed:
            assert not listed()
        else:
            detach(device, below)
    assert failures > 8
    assert listed() == [(below.disk, device.disk)]
    detach(device, below)


@pytest.mark.usefixtures("bed", "unloaded")
@pytest.mark.parametrize("function", ["alloc_dax", "alloc_workqueue", "__class_register",
                                      "class_create_file_ns"])
def test_loading_the_holder(function):
    failures = 0
    for failed in faults.each(function, HOLDER.insert):
        assert HOLDER.loaded != failed
        failures += failed
        if not failed:
            HOLDER.remove()
        if function == "__class_register":
            # 6.1 itself leaks the class's name if an allocation after the first fails
            break
    assert failures
