# SPDX-License-Identifier: GPL-2.0
"""A failure of a suspended device whose filesystem must read metadata before it can answer.

It waits for the resume. It must not make anything else wait: neither the resume nor what happens to
this device and to others meanwhile.

With any target the kernel itself makes two things wait: `dmsetup remove` of any mapped device, as
kill_dax() waits for all failures in flight everywhere; and each other memory failure, as mm handles
one at a time. dax_holder does so too, except for a child that goes: its parents are notified
meanwhile.
"""

import contextlib

import pytest

from lib.beside import Beside, promptly
from lib.command import CommandError
from lib.devices import poison
from lib.dm.device import Device
from lib.dm.status import Status
from lib.dm.target import DaxLinear, Linear
from lib.fs.xfs import SMALLEST_GROUP, Xfs, XfsFailures
from lib.holders.attach import attach, attached, detach
from lib.holders.victim import Sigbus, Victim
from lib.judge.live import Live
from lib.units import MIB, PAGE, PAGE_LSB, PAGE_SECTORS, SECTOR, WHOLE

pytestmark = pytest.mark.at_once

SIZE = max(32 * MIB, SMALLEST_GROUP) // SECTOR


def page_of(fs):
    """Return where in the device, and in the file, a page is that is on the second child."""
    for offset, first, length in fs.extents("file"):
        if first >= SIZE * SECTOR and length > 2 * MIB:
            return first + MIB, offset + MIB
    raise LookupError(fs.extents("file"))


def cold_filesystem(bed, device):
    """Return a filesystem with a file, and the places of a page of it, see page_of().

    XFS has read no reverse mapping since it was mounted, so it must read that to handle a failure.
    """
    fs = bed.enter(Xfs(device, bed.folder(), agsize=SMALLEST_GROUP, reflink=False))
    fs.reserve("file", 5 * SIZE * SECTOR // 4)
    place, offset = page_of(fs)
    fs.write("file", b"data" * (PAGE // 4), offset)
    fs.unmount()
    fs.mount()
    return fs, place, offset


class Blocked:
    """A failure that waits in XFS, as XFS reads from a device that is suspended."""

    def __init__(self, device, fs, place, victim):
        self.place = place
        self._device = device
        self._fs = fs
        self._victim = victim
        self._notified = XfsFailures()
        self._failure = None

    def start(self, bed, pfn, options):
        """Suspend the device, fail the page, and wait until XFS waits for the device."""
        bed.enter(self._notified)
        self._device.suspend(*options)
        poison.poisoned.add(pfn)
        self._failure = bed.enter(Beside("sh", "-c", f"echo {pfn} >{poison.CORRUPT_PFN}"))
        # entered last, so left before the test waits for the failure or unmounts
        bed.enter(contextlib.ExitStack()).callback(self._resume)
        assert " xfs_dax_notify_" in self._failure.wait_in("xfs_buf_read_map")

    def _resume(self):
        """Leave nothing suspended that an unmount would wait for."""
        if self._device.suspended:
            self._device.resume()

    def check_waiting(self):
        """Assert that XFS was notified, and has not handled the failure yet."""
        assert self._notified.places() == [(self.place, PAGE)]
        assert self._failure.running

    def check_done(self):
        """Assert that it has ended as it does on a device that is not suspended."""
        self._failure.end()
        assert self._victim.wait_sigbus() == Sigbus("AO", 0, PAGE_LSB)
        assert self._notified.places() == [(self.place, PAGE)]
        assert not self._fs.is_shut_down()


def block(bed, device, parts, *options):
    """Suspend a device below a filesystem; return a Blocked failure of its second part."""
    fs, place, offset = cold_filesystem(bed, device)
    bed.kill_early()
    victim = bed.enter(Victim(fs.path("file"), offset=offset, length=PAGE))
    blocked = Blocked(device, fs, place, victim)
    nvdimm, first, _ = parts[1]
    blocked.start(bed, nvdimm.pfn(first * SECTOR + place - SIZE * SECTOR), options)
    return blocked


def parts_of(bed):
    """Return the ranges of the device below the filesystem."""
    return [(nvdimm, SIZE, SIZE) for nvdimm in bed.nvdimms[:2]]


@pytest.mark.parametrize("options", [[], ["--noflush", "--nolockfs"]], ids=["frozen", "as it is"])
def test_nobody_else_waits(bed, options):
    parts = parts_of(bed)
    child = parts[1][0]
    device = bed.device(DaxLinear.ranges(parts))
    other_ranges = [(child, 0, 64)]
    other = bed.device(DaxLinear.ranges(other_ranges))
    bed.enter(bed.probe.holding(other))
    live = Live(bed, other_ranges)
    live.map(other, other_ranges)
    live.check()

    blocked = block(bed, device, parts, *options)
    extended = DaxLinear.ranges(parts + [(bed.nvdimms[2], 0, SIZE)])
    # this device loads and drops tables
    promptly(device.load, extended)
    promptly(device.clear)
    promptly(device.load, extended)
    promptly(device.load, extended)
    promptly(device.table_text)
    promptly(device.status)
    # others on the same child
    promptly(other.load, DaxLinear(64, child))
    promptly(other.suspend)
    promptly(other.resume)
    with pytest.raises(CommandError):
        promptly(other.load, DaxLinear(64, child, PAGE_SECTORS))
    new = Device(DaxLinear(64, child, 800))
    promptly(bed.enter, new)
    promptly(new.suspend, "--nolockfs")
    promptly(new.load, DaxLinear(64, child, 1600))
    promptly(new.resume)
    promptly(new.wipe)
    promptly(new.rename, f"{new.name}-old")
    blocked.check_waiting()

    promptly(device.resume)
    blocked.check_done()
    live.check()
    assert device.status() == [Status(ranges=3, alive=3, received=1, forwarded=1, handled=1,
                                      last=blocked.place // SECTOR)]


def test_removing_waits_in_the_kernel(bed):
    # removing a daxlinear waits as removing a dm-linear does
    parts = parts_of(bed)
    child = parts[1][0]
    device = bed.device(DaxLinear.ranges(parts))
    ours = bed.device(DaxLinear(64, child))
    stock = bed.device(Linear(64, bed.nvdimms[2]))
    left = bed.device(DaxLinear(64, child, 800))
    blocked = block(bed, device, parts, "--noflush", "--nolockfs")
    removing = [bed.enter(Beside("dmsetup", "remove", one.name)) for one in (ours, stock)]
    for command in removing:
        stack = command.wait_in("kill_dax")
        assert " __synchronize_srcu+" in stack
        assert "dax_holder" not in stack and "daxlinear" not in stack
    # the removal that waits holds no lock of ours: others use the child as before
    promptly(left.reload, DaxLinear(64, child, 1600))
    with Device() as new:
        promptly(new.reload, DaxLinear(64, child))
        assert all(command.running for command in removing)
        blocked.check_waiting()
        promptly(device.resume)
        blocked.check_done()
    for command in removing:
        command.end()


def test_removals_elsewhere_are_forwarded(bed):
    # a child that goes does not wait for a failure that waits; failures of pages queue, as in mm
    parts = parts_of(bed)
    child = parts[1][0]
    device = bed.device(DaxLinear.ranges(parts))
    other = bed.device(DaxLinear(64, child), DaxLinear(64, bed.nvdimms[2]))
    bed.enter(bed.probe.holding(other))
    blocked = block(bed, device, parts, "--noflush", "--nolockfs")
    promptly(bed.probe.inject, bed.nvdimms[2], 0, WHOLE)
    (done,), _ = bed.probe.records()
    assert [(call.off, call.len) for call in done.calls] == [(8 * PAGE, 8 * PAGE)]
    with Beside("sh", "-c", f"echo {child.pfn(4 * PAGE)} >{poison.CORRUPT_PFN}") as second:
        stack = second.wait_in("memory_failure")
        assert "dax_holder" not in stack
        bed.probe.reset()
        promptly(device.resume)
        blocked.check_done()
        second.end()
        calls = bed.probe.records()[1]
        assert [(call.dev, call.off) for call in calls] == [(other.number, 4 * PAGE)]


def test_on_two_floors(bed):
    # the upper device is suspended; the lower one does not wait either
    parts = parts_of(bed)
    low = bed.device(DaxLinear.ranges(parts))
    high = bed.device(DaxLinear(2 * SIZE, low))
    blocked = block(bed, high, parts, "--noflush", "--nolockfs")
    promptly(low.reload, DaxLinear.ranges(parts + [(bed.nvdimms[2], 0, SIZE)]))
    promptly(low.reload, *[DaxLinear(sectors, child, offset) for child, offset, sectors in parts])
    promptly(high.load, DaxLinear(2 * SIZE, low))
    blocked.check_waiting()
    promptly(high.resume)
    blocked.check_done()
    # it was forwarded by a table that is gone by now
    assert sum(status.handled for status in low.status()) == 1


def test_attached(bed):
    # attaching and detaching do not wait, and the parent may come and go
    parts = parts_of(bed)
    children = [child for child, _, _ in parts]
    device = bed.device(*[Linear(sectors, child, offset)
                          for child, offset, sectors in parts])
    bed.enter(attached(device, *children))
    other = Device(Linear(64, bed.nvdimms[2]))
    bed.enter(other)
    bed.enter(bed.probe.holding(other))
    blocked = block(bed, device, parts, "--noflush", "--nolockfs")
    promptly(detach, device, children[1])
    promptly(attach, device, children[1])
    promptly(attach, other, bed.nvdimms[2])
    calls = bed.probe.inject(bed.nvdimms[2], 0, WHOLE).calls
    assert [(call.off, call.len) for call in calls] == [(0, 8 * PAGE)]
    promptly(detach, other, bed.nvdimms[2])
    promptly(attach, other, bed.nvdimms[2])
    promptly(other.wipe)
    blocked.check_waiting()
    promptly(device.resume)
    blocked.check_done()
    promptly(detach, other, bed.nvdimms[2])
