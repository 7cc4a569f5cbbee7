# SPDX-License-Identifier: GPL-2.0
"""A child goes away below whatever is on it.

The kernel has bugs here, on a bare NVDIMM as well, and the tests keep away from them. 6.1 reports
a child that goes as a failure of all its memory: XFS shuts down as for corruption, and kills only
processes with early kill that map its files; others go on using memory that is gone. XFS also
dereferences NULL if the filesystem is an allocation group or more smaller than its device. And the
page cache of files that were mapped keeps pointers to struct pages that were freed: to unmount
before the child is back is an oops.
"""

import errno
import re

import pytest

from lib import kernel
from lib.command import CommandError
from lib.devices import monitor
from lib.devices.unplug import Unplugged
from lib.dm.status import Status
from lib.dm.target import DaxLinear, Linear
from lib.fs.xfs import SMALLEST_GROUP, Xfs, XfsFailures
from lib.holders.attach import attached
from lib.holders.probe import ProbeError
from lib.holders.trace import Kprobe, Trace
from lib.holders.victim import Sigbus, Victim
from lib.judge.live import Live
from lib.units import MIB, PAGE, PAGE_LSB, SECTOR, WHOLE, pages

SIZE = max(32 * MIB, SMALLEST_GROUP) // SECTOR


@pytest.fixture(name="gone")
def _gone(bed):
    """Return an NVDIMM that a test may unplug."""
    return bed.nvdimms[0]


@pytest.fixture(name="unplugged")
def _unplugged(gone):
    """Return it as Unplugged; it is plugged in again before the devices on it are removed."""
    unplugged = Unplugged(gone)
    yield unplugged
    unplugged.plug()


def without(gone, ranges):
    """Return ranges with None for a child that is gone."""
    return [(None if one[0] is gone else one[0], *one[1:]) for one in ranges]


def test_one_call_each(bed, gone, unplugged):
    # the probe holds several devices, of several ranges on the child that goes and on others
    there, other = bed.nvdimms[1:3]
    layouts = [
        [(there, 0, pages(8)), (gone, pages(8), pages(8)), (other, 0, pages(8)),
         (gone, pages(32), pages(4)), (there, pages(20), pages(8))],
        [(gone, pages(4), pages(8))],
        [(there, pages(4), pages(8)), (other, pages(4), pages(8))],
    ]
    devices = [bed.device(DaxLinear.ranges(ranges)) for ranges in layouts]
    for device in devices:
        bed.enter(bed.probe.holding(device))
    # a table that is only loaded maps the child too, and is not notified
    devices[2].load(DaxLinear.ranges(layouts[2] + [(gone, pages(64), pages(8))]))
    live = Live(bed, *[without(gone, ranges) for ranges in layouts])
    bed.probe.reset()

    unplugged.unplug()
    done, calls = bed.probe.records()
    assert not done
    assert sorted((call.dev, call.off, call.len) for call in calls) == sorted([
        (devices[0].number, 8 * PAGE, 20 * PAGE), (devices[1].number, 0, 8 * PAGE)])
    assert [device.status()[0] for device in devices] == [
        Status(ranges=5, alive=2, gone=1, received=1, forwarded=1, handled=1, last=64),
        Status(alive=0, gone=1, received=1, forwarded=1, handled=1, last=0),
        Status(ranges=2, alive=2)]
    assert devices[2].status("--inactive")[0].gone == 1

    # the other children go on, those of the same device as well
    for device, ranges in zip(devices, layouts, strict=True):
        live.map(device, without(gone, ranges))
    live.check()
    # lookups fail for the child that is gone, and for no other
    found = bed.probe.lookup([(devices[0], byte) for byte in (0, 8 * PAGE, 24 * PAGE, 28 * PAGE)])
    assert [page.pfn > 0 for page in found] == [True, False, False, True]
    # so does zeroing
    with pytest.raises(ProbeError, match="No such device or address"):
        bed.probe.zero(devices[0], 8 * PAGE)
    # suspended, resumed, reloaded
    for device in devices:
        device.suspend()
        device.resume()
    live.check()
    # a table that maps it is refused, one without it loads
    with pytest.raises(CommandError):
        devices[1].load(DaxLinear(pages(8), gone.number))
    devices[1].reload(DaxLinear.ranges([(there, pages(64), pages(8))], "allow_move"))
    assert devices[1].status()[0].gone == 0


def test_move_beside_what_is_gone(bed, gone, unplugged):
    # ranges of a child that is there still must not move
    there, other = bed.nvdimms[1:3]
    device = bed.device(DaxLinear.ranges([(gone, 0, pages(8)), (there, 0, pages(8))]))
    bed.enter(bed.probe.holding(device))
    unplugged.unplug()
    with pytest.raises(CommandError):
        device.load(DaxLinear(pages(16), other))
    # ranges of the child that is gone may move
    device.reload(DaxLinear.ranges([(other, 0, pages(8)), (there, 0, pages(8))]))


def test_a_hole_is_passed_at_once(bed, gone, unplugged):
    """The range behind it must not move; its own pages are skipped without a lookup."""
    there, other = bed.nvdimms[1:3]
    behind = (there, 0, pages(8))
    device = bed.device(DaxLinear.ranges([(gone, 0, pages(4096)), behind]))
    bed.enter(bed.probe.holding(device))
    unplugged.unplug()
    with Kprobe("dm_mod:dm_dax_direct_access") as lookups:
        device.load(DaxLinear.ranges([(other, 0, pages(4096)), behind]))
        assert 0 < len(lookups.lines()) < 20


def test_announced_child_is_not_asked(bed):
    # from then on its driver must not be called
    child = bed.nvdimms[0]
    device = bed.device(DaxLinear(pages(8), child))
    bed.enter(bed.probe.holding(device))
    assert len(bed.probe.inject(child, PAGE).calls) == 1
    bed.probe.inject(child, 0, WHOLE)
    injection = bed.probe.inject(child, PAGE)
    assert not injection.calls
    assert injection.rc == -errno.EOPNOTSUPP


def test_plugged_in_again(bed, gone, unplugged):
    # it is another device now, and its old slot does not matter
    old = bed.device(DaxLinear(pages(8), gone))
    unplugged.unplug()
    unplugged.plug()
    assert old.status()[0].gone == 1
    new = bed.device(DaxLinear(pages(8), gone, pages(4)))
    bed.enter(bed.probe.holding(new))
    live = Live(bed, [(gone, pages(4), pages(8))])
    live.map(new, [(gone, pages(4), pages(8))])
    live.check()
    assert new.status()[0].gone == 0
    # The old device can map it again; dm needs a table without the old child first.
    old.wipe()
    old.reload(DaxLinear(pages(8), gone))
    bed.enter(bed.probe.holding(old))
    live.map(old, [(gone, 0, pages(8))])
    live.check()
    old.remove()
    live.unmap(old)
    live.check()


class Files:
    """An XFS on ranges, with a file that has blocks in each."""

    def __init__(self, bed, ranges, device=None):
        self.bed = bed
        self.ranges = ranges
        self.device = device or bed.device(DaxLinear.ranges(ranges))
        size = sum(sectors for _, _, sectors in ranges) * SECTOR
        agsize = size if kernel.LOSES_ONE_GROUP_ONLY else SMALLEST_GROUP
        self.fs = bed.enter(Xfs(self.device, bed.folder(), agsize=agsize, reflink=False))
        self.path = self.fs.reserve("file", size * 13 // 16)

    def victim(self, number):
        """Return a process that maps a page of the file that is in a range."""
        start = sum(sectors for _, _, sectors in self.ranges[:number]) * SECTOR
        end = start + self.ranges[number][2] * SECTOR
        place = next((max(first, start) + min(first + length, end)) // 2 // PAGE * PAGE
                     for _, first, length in self.fs.extents("file")
                     if first < end and start < first + length)
        offset = self.fs.find("file", place)
        return self.bed.enter(Victim(self.path, offset=offset, length=PAGE))


def test_below_xfs(bed, gone, unplugged):
    there, other = bed.nvdimms[1:3]
    bed.kill_early()
    files = Files(bed, [(there, SIZE, SIZE), (gone, SIZE, SIZE), (gone, 3 * SIZE, SIZE)])
    beside = Files(bed, [(there, 2 * SIZE, SIZE), (other, SIZE, SIZE)])
    victims = [files.victim(number) for number in (1, 2)]
    untouched = [beside.victim(number) for number in (0, 1)]
    with XfsFailures() as failures, Trace("dax_holder/dax_holder_failure") as trace:
        unplugged.unplug()
        # one call, of both ranges and of nothing else
        assert failures.places() == [(SIZE * SECTOR, 2 * SIZE * SECTOR)]
        assert [(event["child"], event["parent"]) for event in trace.fields()] == [
            (gone.name, files.device.disk)]
    for victim in victims:
        assert victim.wait_sigbus() == Sigbus("AO", 0, PAGE_LSB)
    assert files.fs.is_shut_down()
    assert files.device.status() == [
        Status(ranges=3, gone=1, received=1, forwarded=1, handled=1, last=SIZE)]

    # the device on the other children goes on
    assert all(victim.lives() for victim in untouched)
    beside.fs.write("new", b"new" * 1000)
    assert not beside.fs.is_shut_down()
    assert beside.device.status()[0].received == 0

    unplugged.plug()
    files.fs.unmount()
    # What was written before is there again. (dm needs a table without the old child first.)
    device = files.device
    device.wipe()
    device.reload(DaxLinear.ranges(files.ranges))
    assert device.status()[0].gone == 0
    files.fs.mount()
    assert not files.fs.is_shut_down()
    with XfsFailures() as failures:
        files.victim(1)
        bed.probe.inject(gone, SIZE * SECTOR + 5 * MIB)
        assert failures.places() == [(SIZE * SECTOR + 5 * MIB, PAGE)]


def test_unmounted_while_gone(bed, gone, unplugged):
    # no file was mapped, so that nothing points to the pages
    files = Files(bed, [(bed.nvdimms[1], SIZE, SIZE), (gone, SIZE, SIZE)])
    files.fs.write("data", b"data" * 5000)
    unplugged.unplug()
    assert files.fs.is_shut_down()
    files.fs.unmount()
    files.device.remove()
    assert bed.probe.is_free(bed.nvdimms[1])


def test_mapped_elsewhere_only(bed, gone, unplugged):
    # processes that map nothing of the child are not killed
    files = Files(bed, [(bed.nvdimms[1], SIZE, SIZE), (gone, SIZE, SIZE)])
    bed.kill_early()
    on_child, elsewhere = files.victim(1), files.victim(0)
    unplugged.unplug()
    assert on_child.wait_sigbus() == Sigbus("AO", 0, PAGE_LSB)
    assert elsewhere.lives()
    unplugged.plug()


def test_below_two_floors(bed, gone, unplugged):
    """XFS must be notified of all that is gone in one call: after the first it is shut down."""
    there, other = bed.nvdimms[1:3]
    low = bed.device(DaxLinear.ranges([(gone, SIZE, 2 * SIZE), (there, SIZE, SIZE)]))
    ranges = [(low, 2 * SIZE, SIZE), (low, SIZE, SIZE), (other, SIZE, SIZE), (low, 0, SIZE)]
    files = Files(bed, ranges)
    bed.kill_early()
    victims = [files.victim(number) for number in (1, 3)]
    elsewhere = files.victim(0)
    with XfsFailures() as failures, unplugged.start() as unbind:
        try:
            unbind.end()
        finally:
            # the unbind waits for processes that are left
            left = [number for number, victim in enumerate(victims) if victim.lives()]
            for victim in victims:
                victim.__exit__()
        assert not left
        assert failures.places() == [(SIZE * SECTOR, 3 * SIZE * SECTOR)]
    assert [victim.sigbus for victim in victims] == [Sigbus("AO", 0, PAGE_LSB)] * 2
    assert elsewhere.lives()
    unplugged.plug()


@pytest.mark.parametrize("target", [DaxLinear, Linear], ids=["registered", "attached"])
def test_child_gone_leaves_others_on_the_same_floor_alone(bed, gone, unplugged, target):
    """A filesystem is on a part of a device without the child, which is before and behind it."""
    there = bed.nvdimms[1]
    middle = bed.device(DaxLinear.ranges([(gone, SIZE, SIZE), (there, SIZE, 3 * SIZE),
                                          (gone, 2 * SIZE, SIZE)]))
    # the other filesystem is on both, first on the child that stays
    layouts = [[(middle, SIZE, 2 * SIZE)], [(middle, 3 * SIZE, SIZE), (middle, 4 * SIZE, SIZE)]]
    tops = [bed.device(*[target(sectors, device, offset) for device, offset, sectors in ranges])
            for ranges in layouts]
    if target is Linear:
        for top in tops:
            bed.enter(attached(top, middle))
    bed.kill_early()
    beside, files = [Files(bed, ranges, top)
                     for ranges, top in zip(layouts, tops, strict=True)]
    untouched = [beside.victim(0), files.victim(0)]
    victim = files.victim(1)
    mark = bed.kmsg.mark()
    with XfsFailures() as failures, Trace("dax_holder/dax_holder_failure") as trace:
        unplugged.unplug()
        assert failures.places() == [(SIZE * SECTOR, SIZE * SECTOR)]
        assert [(event["parent"], int(event["parent_bytes"], 0), int(event["len_bytes"], 0))
                for event in sorted(trace.fields(), key=lambda event: event["parent"])] == [
            (middle.disk, 0, 5 * SIZE * SECTOR), (tops[1].disk, SIZE * SECTOR, SIZE * SECTOR)]
    assert not bed.kmsg.find(rf"\b{tops[0].disk}\b", mark)
    assert victim.wait_sigbus() == Sigbus("AO", 0, PAGE_LSB)
    assert files.fs.is_shut_down()
    assert all(one.lives() for one in untouched)
    beside.fs.write("new", b"new" * 1000)
    assert not beside.fs.is_shut_down()
    assert middle.status() == [Status(ranges=3, gone=1, received=1, forwarded=1, handled=1, last=0)]
    unplugged.plug()


def test_below_dm_linear(bed, gone, unplugged):
    # the control: dm-linear notifies no holder
    device = bed.device(Linear(SIZE, bed.nvdimms[1], SIZE), Linear(SIZE, gone, SIZE))
    Files(bed, [(bed.nvdimms[1], SIZE, SIZE), (gone, SIZE, SIZE)], device)
    with XfsFailures() as failures:
        unplugged.unplug()
        assert not failures.places()


def test_hot_unplug(bed):
    # QEMU cannot unplug an NVDIMM, in contrast to a CXL device (test_cxl.py); when it can, the test
    # above should use it
    answer = monitor.command("info memory-devices")
    names = re.findall(r'^Memory device \[nvdimm\]: "(\w+)"', answer, re.M)
    assert len(names) == len(bed.nvdimms)
    assert "hot unplug is not supported" in monitor.command(f"device_del {names[0]}")
    assert monitor.command("info memory-devices") == answer
