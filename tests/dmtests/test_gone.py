# SPDX-License-Identifier: GPL-2.0
"""A child goes away below whatever is on it.

What the kernel itself does wrong here, on a bare NVDIMM as well, and how the tests keep away from
it. 6.1 tells of it as of a failure of all memory: XFS shuts down as for corruption, and kills those
who map its files only if they are to be killed early; others go on using memory that is gone. XFS
also dereferences NULL if the filesystem is an allocation group or more smaller than its device. And
the page cache of files that were mapped keeps pointers to pages that are no more: who unmounts
before the child is back gets an oops.
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
from lib.fs.xfs import Xfs, XfsFailures
from lib.holders.attach import attached
from lib.holders.probe import ProbeError
from lib.holders.trace import Kprobe, Trace
from lib.holders.victim import Sigbus, Victim
from lib.judge.live import Live
from lib.units import MIB, MIB_SECTORS, PAGE, SECTOR, WHOLE, pages

SIZE = 32 * MIB_SECTORS
AGSIZE = 16 * MIB


@pytest.fixture(name="gone")
def _gone(bed):
    """Return an NVDIMM that a test may unplug."""
    return bed.nvdimms[0]


@pytest.fixture(name="unplugged")
def _unplugged(gone):
    """Return it as one that can be unplugged, and is plugged in again before what is on it goes."""
    unplugged = Unplugged(gone)
    yield unplugged
    unplugged.plug()


def without(gone, ranges):
    """Return ranges with nothing in place of those of a child that is gone."""
    return [(None if one[0] is gone else one[0], *one[1:]) for one in ranges]


def test_one_call_each(bed, gone, unplugged):
    # the probe on several devices; more than one range, on the child that goes and on others
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
    # what is only loaded is not told, and maps the child as well
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

    # the others go on, those of the same device as well
    for device, ranges in zip(devices, layouts, strict=True):
        live.map(device, without(gone, ranges))
    live.check()
    # what is gone can't be resolved any more, and what is there can
    found = bed.probe.lookup([(devices[0], byte) for byte in (0, 8 * PAGE, 24 * PAGE, 28 * PAGE)])
    assert [page.pfn > 0 for page in found] == [True, False, False, True]
    # nor zeroed
    with pytest.raises(ProbeError, match="No such device or address"):
        bed.probe.zero(devices[0], 8 * PAGE)
    # suspended, resumed, reloaded
    for device in devices:
        device.suspend()
        device.resume()
    live.check()
    # a table that brings it back is refused, one without it is welcome
    with pytest.raises(CommandError):
        devices[1].load(DaxLinear(pages(8), gone.number))
    devices[1].reload(DaxLinear.ranges([(there, pages(64), pages(8))], "allow_move"))
    assert devices[1].status()[0].gone == 0


def test_move_beside_what_is_gone(bed, gone, unplugged):
    # R9 also guards what is still there
    there, other = bed.nvdimms[1:3]
    device = bed.device(DaxLinear.ranges([(gone, 0, pages(8)), (there, 0, pages(8))]))
    bed.enter(bed.probe.holding(device))
    unplugged.unplug()
    with pytest.raises(CommandError):
        device.load(DaxLinear(pages(16), other))
    # what is gone may be somewhere else from now on
    device.reload(DaxLinear.ranges([(other, 0, pages(8)), (there, 0, pages(8))]))


def test_a_hole_is_passed_at_once(bed, gone, unplugged):
    """What is behind it may not move; none of its own pages is worth a look."""
    there, other = bed.nvdimms[1:3]
    behind = (there, 0, pages(8))
    device = bed.device(DaxLinear.ranges([(gone, 0, pages(4096)), behind]))
    bed.enter(bed.probe.holding(device))
    unplugged.unplug()
    with Kprobe("dm_mod:dm_dax_direct_access") as lookups:
        device.load(DaxLinear.ranges([(other, 0, pages(4096)), behind]))
        assert 0 < len(lookups.lines()) < 20


def test_announced_child_is_not_asked(bed):
    # from then on its driver may have nothing to answer with
    child = bed.nvdimms[0]
    device = bed.device(DaxLinear(pages(8), child))
    bed.enter(bed.probe.holding(device))
    assert len(bed.probe.inject(child, PAGE).calls) == 1
    bed.probe.inject(child, 0, WHOLE)
    injection = bed.probe.inject(child, PAGE)
    assert not injection.calls
    assert injection.rc == -errno.EOPNOTSUPP


def test_plugged_in_again(bed, gone, unplugged):
    # it is another device now, and the old one is in the way of nothing
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
    # The old one can have it again as well; dm itself wants it to forget the old child first.
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
        agsize = size if kernel.LOSES_ONE_GROUP_ONLY else AGSIZE
        self.fs = bed.enter(Xfs(self.device, bed.folder(), agsize=agsize, reflink=False))
        self.path = self.fs.reserve("file", size * 13 // 16)

    def victim(self, number):
        """Return a process that maps a page of the file in a range."""
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
        assert victim.wait_sigbus() == Sigbus("AO", 0, 12)
    assert files.fs.is_shut_down()
    assert files.device.status() == [
        Status(ranges=3, gone=1, received=1, forwarded=1, handled=1, last=SIZE)]

    # the device on other children goes on
    assert all(victim.lives() for victim in untouched)
    beside.fs.write("new", b"new" * 1000)
    assert not beside.fs.is_shut_down()
    assert beside.device.status()[0].received == 0

    unplugged.plug()
    files.fs.unmount()
    # What was written before is there once the child is. (dm wants the old one forgotten first.)
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
    # nobody has mapped a file, so that nothing points to the pages
    files = Files(bed, [(bed.nvdimms[1], SIZE, SIZE), (gone, SIZE, SIZE)])
    files.fs.write("data", b"data" * 5000)
    unplugged.unplug()
    assert files.fs.is_shut_down()
    files.fs.unmount()
    files.device.remove()
    assert bed.probe.is_free(bed.nvdimms[1])


def test_mapped_elsewhere_only(bed, gone, unplugged):
    # who maps nothing of the child that goes is not killed
    files = Files(bed, [(bed.nvdimms[1], SIZE, SIZE), (gone, SIZE, SIZE)])
    bed.kill_early()
    on_child, elsewhere = files.victim(1), files.victim(0)
    unplugged.unplug()
    assert on_child.wait_sigbus() == Sigbus("AO", 0, 12)
    assert elsewhere.lives()
    unplugged.plug()


def test_below_two_floors(bed, gone, unplugged):
    """What is above must hear of all that is gone at once: after the first call it is shut down."""
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
            # the unbind would wait for those who are left
            left = [number for number, victim in enumerate(victims) if victim.lives()]
            for victim in victims:
                victim.__exit__()
        assert not left
        assert failures.places() == [(SIZE * SECTOR, 3 * SIZE * SECTOR)]
    assert [victim.sigbus for victim in victims] == [Sigbus("AO", 0, 12)] * 2
    assert elsewhere.lives()
    unplugged.plug()


@pytest.mark.parametrize("target", [DaxLinear, Linear], ids=["registered", "attached"])
def test_child_gone_leaves_others_on_the_same_floor_alone(bed, gone, unplugged, target):
    """A filesystem is on a part of a device that has nothing of the child; others are around it."""
    there = bed.nvdimms[1]
    middle = bed.device(DaxLinear.ranges([(gone, SIZE, SIZE), (there, SIZE, 3 * SIZE),
                                          (gone, 2 * SIZE, SIZE)]))
    # the other one has both, and what it has of the child is behind
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
    assert victim.wait_sigbus() == Sigbus("AO", 0, 12)
    assert files.fs.is_shut_down()
    assert all(one.lives() for one in untouched)
    beside.fs.write("new", b"new" * 1000)
    assert not beside.fs.is_shut_down()
    assert middle.status() == [Status(ranges=3, gone=1, received=1, forwarded=1, handled=1, last=0)]
    unplugged.plug()


def test_below_dm_linear(bed, gone, unplugged):
    # dm-linear tells nobody: this is what ours is for
    device = bed.device(Linear(SIZE, bed.nvdimms[1], SIZE), Linear(SIZE, gone, SIZE))
    Files(bed, [(bed.nvdimms[1], SIZE, SIZE), (gone, SIZE, SIZE)], device)
    with XfsFailures() as failures:
        unplugged.unplug()
        assert not failures.places()


def test_hot_unplug(bed):
    # QEMU 7.2 cannot; when it can, this is to be the test above with it
    answer = monitor.command("info memory-devices")
    names = re.findall(r'^Memory device \[nvdimm\]: "(\w+)"', answer, re.M)
    assert len(names) == len(bed.nvdimms)
    assert "hot unplug is not supported" in monitor.command(f"device_del {names[0]}")
    assert monitor.command("info memory-devices") == answer
