# SPDX-License-Identifier: GPL-2.0
"""A table that would move what a mounted filesystem maps is refused.

The probe stands in for the filesystem where only the decision matters. With XFS, the filesystem
must go on, and be notified of failures at the right place afterwards.
"""

import os
import re

import pytest

from lib.command import CommandError, run
from lib.devices import poison
from lib.dm.target import DaxLinear, Linear
from lib.fs.ext4 import Ext4
from lib.fs.xfs import SMALLEST_GROUP, Xfs, XfsFailures
from lib.holders.attach import attached
from lib.holders.victim import Sigbus, Victim
from lib.judge.live import Live
from lib.units import MIB, MIB_SECTORS, PAGE, PAGE_LSB, SECTOR, pages


def where(ranges, sector):
    """Return (disk, sector) of a sector of the device."""
    for child, offset, sectors in ranges:
        if sector < sectors:
            return child.disk.name, child.byte(offset + sector) // SECTOR
        sector -= sectors
    raise LookupError(sector)


def refused(bed, device, targets, old, new):
    """Assert that a load is refused, that the message is right, and that nothing is loaded.

    `old` and `new` are the ranges of the live and of the new table, `old` None if they are another
    target's. Where more than a page would be moved, the message may name any of them.
    """
    before = device.table_text(), device.sectors
    mark = bed.kmsg.mark()
    with pytest.raises(CommandError) as caught:
        device.load(*targets)
    assert "Device or resource busy" in caught.value.output
    said = bed.kmsg.find("dax_holder: ", mark)
    assert len(said) == 1
    words = re.search(r"dax_holder: (\S+) is in use and its sector (\d+) is on "
                      r"(a device of another target|(\S+) at sector (\d+)); "
                      r"the new table would move it to (\S+) at sector (\d+): "
                      r"unmount first, or give allow_move$", said[0])
    assert words, said
    assert words[1] == device.disk
    then = words[6], int(words[7])
    assert where(new, int(words[2])) == then
    if old is None:
        assert words[4] is None
    else:
        now = words[4], int(words[5])
        assert where(old, int(words[2])) == now != then
    assert (device.table_text(), device.sectors) == before
    assert not device.table_text("--inactive")
    assert not device.suspended


@pytest.fixture(name="ranges")
def _ranges(bed):
    first, second = bed.nvdimms[:2]
    return [(first, pages(10), pages(20)), (second, 0, pages(20)), (first, pages(50), pages(20))]


@pytest.fixture(name="device")
def _device(bed, ranges):
    return bed.device(DaxLinear.ranges(ranges))


def moves(bed, ranges):
    """Return the ranges of tables that move a page, by how they do so."""
    first, second, third = bed.nvdimms[:3]
    one, two, three = ranges
    return {
        "by a page": [(first, pages(11), pages(20)), two, three],
        "the last page": [one, two, (first, pages(50), pages(19)), (third, 0, pages(1))],
        "a page in the middle": [one, (second, 0, pages(7)), (second, pages(8), pages(1)),
                                 (second, pages(8), pages(12)), three],
        "swapped": [three, two, one],
        "to another child": [one, (third, 0, pages(20)), three],
        "to the same place of another child": [(third, pages(10), pages(20)), two, three],
        "inserted": [one, (third, 0, pages(1)), two, three],
        "dropped": [one, three],
        "extended in the middle": [one, (second, 0, pages(30)), three],
        "extended and moved": [(third, 0, pages(20)), two, three, (third, pages(20), pages(9))],
    }


def test_moves_are_refused(bed, device, ranges):
    live = Live(bed, ranges)
    bed.enter(bed.probe.holding(device))
    live.map(device, ranges)
    for new in moves(bed, ranges).values():
        refused(bed, device, [DaxLinear.ranges(new)], ranges, new)
        # so is a table of several lines
        refused(bed, device, [DaxLinear(sectors, child, offset) for child, offset, sectors in new],
                ranges, new)
        live.check()
    assert bed.probe.is_free(bed.nvdimms[2])
    # suspended or not
    device.suspend()
    with pytest.raises(CommandError):
        device.load(DaxLinear.ranges(ranges[::-1]))
    device.resume()
    live.check()


def test_allow_move(bed, device, ranges):
    live = Live(bed, ranges, *moves(bed, ranges).values())
    bed.enter(bed.probe.holding(device))
    for new in moves(bed, ranges).values():
        device.reload(DaxLinear.ranges(new, "allow_move"))
        live.map(device, new)
        live.check()
        # allow_move counts in the new table, not in the old one
        if new[0] != ranges[0]:
            with pytest.raises(CommandError):
                device.load(DaxLinear.ranges(ranges))
        device.reload(DaxLinear.ranges(ranges, "allow_move"))
        live.map(device, ranges)


def test_nothing_above(bed, device, ranges):
    # without a holder anything may move
    live = Live(bed, ranges, *moves(bed, ranges).values())
    for new in moves(bed, ranges).values():
        device.reload(DaxLinear.ranges(new))
        with bed.probe.holding(device):
            live.map(device, new)
            live.check()
        live.unmap(device)


def test_the_same_in_other_words(bed, device, ranges):
    live = Live(bed, ranges)
    first, second = bed.nvdimms[:2]
    bed.enter(bed.probe.holding(device))
    live.map(device, ranges)
    lines = [DaxLinear(sectors, child, offset) for child, offset, sectors in ranges]
    by_number = [(child.number, offset, sectors) for child, offset, sectors in ranges]
    for targets in (
            [DaxLinear.ranges(ranges)], lines, [DaxLinear.ranges(by_number)],
            [DaxLinear.ranges(ranges[:1]), DaxLinear.ranges(ranges[1:])],
            [DaxLinear.ranges([(child, offset + at, pages(1)) for child, offset, sectors in ranges
                               for at in range(0, sectors, pages(1))])],
            [DaxLinear.ranges([(first, pages(10), pages(3)), (first, pages(13), pages(17)),
                               (second, 0, pages(20)), (first, pages(50), pages(20))])],
    ):
        device.reload(*targets)
        live.check()


def test_extending(bed, device, ranges):
    first, second, third = bed.nvdimms[:3]
    bed.enter(bed.probe.holding(device))
    grown = [
        ranges + [(third, 0, pages(5))],
        ranges + [(third, 0, pages(9))],
        ranges + [(third, 0, pages(9)), (second, pages(20), pages(20))],
        # a page may be mapped at one more place
        ranges + [(third, 0, pages(9)), (second, pages(20), pages(20)), (first, 0, pages(100))],
    ]
    live = Live(bed, *grown)
    for new in grown:
        device.reload(DaxLinear.ranges(new))
        live.map(device, new)
        live.check()
        assert device.sectors == sum(sectors for _, _, sectors in new)
    # the range that was added must not move either
    new = ranges + [(third, pages(1), pages(9))]
    refused(bed, device, [DaxLinear.ranges(new)], grown[-1], new)


def test_partitions(bed):
    # a range of a partition is compared as a place on its disk
    disk, other = bed.nvdimms[2], bed.nvdimms[0]
    partition = bed.enter(disk.partition(pages(257), pages(500)))
    old = [(other, 0, pages(8)), (partition, pages(3), pages(8))]
    new = [(other, 0, pages(8)), (partition, 0, pages(8))]
    device = bed.device(DaxLinear.ranges(old))
    bed.enter(bed.probe.holding(device))
    refused(bed, device, [DaxLinear.ranges(new)], old, new)
    device.reload(DaxLinear.ranges([(other, 0, pages(8)), (partition, pages(3), pages(100))]))


def test_from_dm_linear(bed, ranges):
    # converting a device in use: pages that dm-linear mapped must not move either
    third = bed.nvdimms[2]
    live = Live(bed, ranges)
    device = bed.device(*[Linear(sectors, child, offset)
                          for child, offset, sectors in ranges])
    bed.enter(bed.probe.holding(device))
    live.check()
    new = ranges[:2] + [(third, 0, pages(20))]
    refused(bed, device, [DaxLinear.ranges(new)], None, new)
    device.reload(DaxLinear.ranges(ranges))
    live.map(device, ranges)
    live.check()


def test_below_a_device_in_use(bed, device, ranges):
    # the holder is on the device above alone
    third = bed.nvdimms[2]
    moved = [(third, 0, pages(20)), *ranges[1:]]
    above, tops = device, []
    for _ in range(2):
        above = bed.device(DaxLinear(above.sectors - pages(20), above, pages(10)))
        with bed.probe.holding(above):
            refused(bed, device, [DaxLinear.ranges(moved)], ranges, moved)
            device.reload(DaxLinear.ranges(ranges + [(third, 0, pages(20))]))
            device.reload(DaxLinear.ranges(ranges))
        tops.append(above)
    # the device above opens it exclusively, whatever is on that one
    while tops:
        refused(bed, device, [DaxLinear.ranges(moved)], ranges, moved)
        tops.pop().remove()
    # no device is above any more
    device.reload(DaxLinear.ranges(moved))
    device.reload(DaxLinear.ranges(ranges))


def test_move_below_an_exclusive_opener_is_refused(bed, device, ranges):
    # an open that is not exclusive does not matter
    third = bed.nvdimms[2]
    moved = [(third, 0, pages(20)), *ranges[1:]]
    for flags, in_use in ((os.O_RDONLY, False), (os.O_RDONLY | os.O_EXCL, True),
                          (os.O_RDWR, False), (os.O_RDWR | os.O_EXCL, True)):
        fd = os.open(device.path, flags)
        try:
            if in_use:
                refused(bed, device, [DaxLinear.ranges(moved)], ranges, moved)
                device.reload(DaxLinear.ranges(ranges + [(third, 0, pages(20))]))
                device.reload(DaxLinear.ranges(ranges))
                device.reload(DaxLinear.ranges(moved, "allow_move"))
            else:
                device.reload(DaxLinear.ranges(moved))
        finally:
            os.close(fd)
        device.reload(DaxLinear.ranges(ranges))


def test_a_loaded_table_above_is_in_the_way(bed, device, ranges):
    # a loaded table opens the device as a live one does, and may be live soon
    moved = ranges[::-1]
    above = bed.device()
    above.load(Linear(pages(8), device))
    refused(bed, device, [DaxLinear.ranges(moved)], ranges, moved)
    above.clear()
    device.reload(DaxLinear.ranges(moved))


def test_a_hole_hides_no_move(bed):
    # A lookup of the first part fails now; the second part can be looked up, and must not move.
    first, second, third = bed.nvdimms[:3]
    hole = bed.device(DaxLinear(pages(8), first))
    device = bed.device(DaxLinear(pages(8), hole), DaxLinear(pages(8), second))
    bed.enter(bed.probe.holding(device))
    hole.wipe()
    assert [page.pfn > 0 for page in bed.probe.lookup([(device, 0), (device, 8 * PAGE)])] == [
        False, True]
    refused(bed, device, [DaxLinear(pages(16), third)],
            [(first, 0, pages(8)), (second, 0, pages(8))], [(third, 0, pages(16))])


SIZE = max(32 * MIB, SMALLEST_GROUP) // SECTOR


class Mounted:
    """An XFS on two ranges, with files on each, and room on a third child.

    It may be on a device above that one, with a target of the kernel's.
    """

    def __init__(self, bed, target=DaxLinear, above=None):
        first, second, third = bed.nvdimms[:3]
        self.ranges = [(first, SIZE, SIZE), (second, SIZE, SIZE)]
        self.room = (third, SIZE, SIZE)
        self.device = bed.device(*[target(sectors, child, offset)
                                   for child, offset, sectors in self.ranges])
        self.top = bed.device(above(2 * SIZE, self.device)) if above else self.device
        self.fs = bed.enter(Xfs(self.top, bed.folder(), agsize=SMALLEST_GROUP, reflink=False))
        bed.kill_early()
        # it has blocks in each allocation group
        self.fs.reserve("file", 3 * SIZE * SECTOR // 2)
        self.fs.write("file", b"content" * 1000)

    def place(self, number, name="file"):
        """Return where in the device a page of a file is that is in one of the ranges."""
        start = sum(sectors for _, _, sectors in self.ranges[:number]) * SECTOR
        end = start + self.ranges[number][2] * SECTOR
        # in the middle of the file's blocks there
        return next((max(first, start) + min(first + length, end)) // 2 // PAGE * PAGE
                    for _, first, length in self.fs.extents(name)
                    if first < end and start < first + length)

    def victim(self, place, name="file"):
        """Return a process that maps the page of a file at a place of the device."""
        return Victim(self.fs.path(name), offset=self.fs.find(name, place), length=PAGE)

    def check_well(self):
        """Assert that the filesystem is not shut down, and that its content is as it was."""
        assert not self.fs.is_shut_down()
        assert self.fs.read("file", 7000) == b"content" * 1000

    def check_failure(self, place, name="file"):
        """Fail a page of a file; assert that XFS is notified, and that the process is killed."""
        disk, sector = where(self.ranges, place // SECTOR)
        pfn = next(child for child, *_ in self.ranges if child.name == disk).pfn(sector * SECTOR)
        with self.victim(place, name) as victim, XfsFailures() as failures:
            assert int(victim.ask("pfn", 0)[1]) == pfn
            poison.poison_page(pfn)
            assert victim.wait_sigbus() == Sigbus("AO", 0, PAGE_LSB)
            assert failures.places() == [(place, PAGE)]
        self.check_well()


def test_xfs_move_is_refused(bed):
    mounted = Mounted(bed)
    ranges = mounted.ranges
    with mounted.victim(mounted.place(1)) as victim:
        for new in (ranges[::-1], [ranges[0], mounted.room]):
            refused(bed, mounted.device, [DaxLinear.ranges(new)], ranges, new)
        assert victim.lives()
    mounted.check_well()
    # it loads once the filesystem is unmounted
    mounted.fs.unmount()
    mounted.device.reload(DaxLinear.ranges(ranges[::-1]))
    mounted.device.reload(DaxLinear.ranges(ranges))
    mounted.fs.mount()
    mounted.check_well()


def test_move_below_a_stock_device_with_xfs_is_refused(bed):
    """It is not attached, and the filesystem holds only the device above."""
    mounted = Mounted(bed, above=Linear)
    ranges, device = mounted.ranges, mounted.device
    moved = [ranges[0], mounted.room]
    with mounted.victim(mounted.place(1)) as victim:
        for new in (ranges[::-1], moved):
            refused(bed, device, [DaxLinear.ranges(new)], ranges, new)
        # attached to the floor below, or to the floor below that
        for child in (device, ranges[0][0]):
            with attached(mounted.top, child):
                refused(bed, device, [DaxLinear.ranges(moved)], ranges, moved)
        device.reload(DaxLinear.ranges([*ranges, mounted.room]))
        device.load(DaxLinear.ranges(moved, "allow_move"))
        device.clear()
        assert victim.lives()
    mounted.check_well()
    mounted.fs.unmount()
    mounted.top.remove()
    device.reload(DaxLinear.ranges(moved))


@pytest.mark.parametrize("above", [None, Linear, DaxLinear],
                         ids=["on it", "on dm-linear", "on daxlinear"])
def test_move_below_ext4_is_refused(bed, above):
    """Ext4 takes no holder slot: the exclusive open counts."""
    first, second, third = bed.nvdimms[:3]
    ranges = [(first, SIZE, SIZE), (second, SIZE, SIZE)]
    moved = [(third, SIZE, SIZE), ranges[1]]
    device = bed.device(DaxLinear.ranges(ranges))
    top = bed.device(above(2 * SIZE, device)) if above else device
    with Ext4(top, bed.folder()) as fs, Victim(fs.write("file", bytes(MIB))) as victim:
        refused(bed, device, [DaxLinear.ranges(moved)], ranges, moved)
        device.reload(DaxLinear.ranges([*ranges, (third, SIZE, SIZE)]))
        device.load(DaxLinear.ranges(moved, "allow_move"))
        device.clear()
        assert victim.lives()
    if above:
        top.remove()
    device.reload(DaxLinear.ranges(moved))


def test_xfs_grows(bed):
    mounted = Mounted(bed)
    with mounted.victim(mounted.place(1)) as victim:
        mounted.ranges.append(mounted.room)
        mounted.device.reload(DaxLinear.ranges(mounted.ranges))
        run("xfs_growfs", "-d", mounted.fs.folder)
        mounted.fs.reserve("more", 20 * MIB)
        assert victim.lives()
    mounted.check_failure(mounted.place(0))
    mounted.check_failure(mounted.place(1))
    mounted.check_failure(mounted.place(2, "more"), "more")


def test_xfs_is_converted_from_dm_linear(bed):
    mounted = Mounted(bed, Linear)
    # a mapping from before goes on, and is found by a failure
    place = mounted.place(1)
    with mounted.victim(place) as victim:
        mounted.device.reload(DaxLinear.ranges(mounted.ranges))
        assert victim.lives()
        mounted.check_failure(place)
        assert victim.wait_sigbus() == Sigbus("AO", 0, PAGE_LSB)


def test_xfs_is_moved_on_purpose(bed):
    # the range is copied to another child first; no process maps it meanwhile
    mounted = Mounted(bed)
    old, new = mounted.ranges[1], mounted.room
    mounted.device.suspend()
    run("dd", f"if={old[0]}", f"of={new[0]}", "bs=1M", f"skip={old[1] // MIB_SECTORS}",
        f"seek={new[1] // MIB_SECTORS}", f"count={SIZE // MIB_SECTORS}", "conv=fsync",
        "iflag=direct", "oflag=direct")
    mounted.ranges[1] = new
    mounted.device.load(DaxLinear.ranges(mounted.ranges, "allow_move"))
    mounted.device.resume()
    mounted.check_well()
    # the old place is not mapped any more
    with XfsFailures() as failures:
        with pytest.raises(OSError):
            poison.poison_page(old[0].pfn(old[1] * SECTOR + 9 * MIB))
        assert not failures.places()
    mounted.check_failure(mounted.place(1))
