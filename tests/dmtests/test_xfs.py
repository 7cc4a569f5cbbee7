# SPDX-License-Identifier: GPL-2.0
"""What happens to a filesystem and to processes that use it when a page fails.

Each case runs on a bare NVDIMM, which is what is wanted, on daxlinear and on a dm-linear that is
attached, which must match it, and on dm-linear alone, which must not: else the case would prove
nothing.
"""

import errno
import os

import pytest

from lib import kernel
from lib.devices import poison
from lib.dm.target import DaxLinear, Linear
from lib.fs.health import DataLost, HealthMonitor, MediaError, Running, Unmount
from lib.fs.xfs import SMALLEST_GROUP, Xfs, XfsFailures
from lib.holders import attach
from lib.holders.attach import attached
from lib.holders.victim import Sigbus, Victim
from lib.units import (HUGE, HUGE_LSB, HUGE_SECTORS, MIB, MIB_SECTORS, PAGE, PAGE_LSB,
                       PAGE_SECTORS, SECTOR)

AGSIZE = max(32 * MIB, SMALLEST_GROUP)
# MiB of the three children, all unequal; the allocation groups end where they end
SIZES = tuple(number * AGSIZE // MIB for number in (1, 2, 3))

BARE = pytest.param("bare", marks=pytest.mark.control)
KINDS = pytest.mark.parametrize("kind", [
    BARE, "daxlinear", "attached", pytest.param("linear", marks=pytest.mark.control)])


class Stack:
    """A filesystem, with a trace of the failures of which it is notified."""

    def __init__(self, bed, kind, *, agsize=AGSIZE, reflink=False, stripe_huge=False):
        self.bed = bed
        self.kind = kind
        # (NVDIMM, first sector there, sectors) of each part of the device
        self.parts: list[tuple] = []
        # where offsets of XFS's notifications start
        self._origin = 0
        if kind == "bare":
            self.device = self._bare(whole=reflink)
        else:
            self.device = self._mapped(DaxLinear if kind == "daxlinear" else Linear)
        if kind == "attached":
            bed.enter(attached(self.device, *[nvdimm for nvdimm, _, _ in self.parts]))
        self.fs = bed.enter(Xfs(self.device, bed.folder(), agsize=agsize, size=sum(SIZES) * MIB,
                                reflink=reflink, stripe_huge=stripe_huge))
        self._failures = bed.enter(XfsFailures())
        bed.kill_early()

    def _bare(self, whole):
        """Return a partition of an NVDIMM, or all of it: XFS has no reflink on DAX partitions."""
        nvdimm = self.bed.nvdimms[-1]
        first = 0 if whole else HUGE_SECTORS
        sectors = sum(SIZES) * MIB_SECTORS
        self.parts.append((nvdimm, first, sectors))
        self._origin = first * SECTOR
        return nvdimm if whole else self.bed.enter(nvdimm.partition(first, sectors))

    def _mapped(self, target):
        for number, size in enumerate(SIZES):
            self.parts.append((self.bed.nvdimms[number], (number + 1) * HUGE_SECTORS,
                               size * MIB_SECTORS))
        return self.bed.device(*[target(sectors, nvdimm, first)
                                 for nvdimm, first, sectors in self.parts])

    def notified(self):
        """Return where in the device each failure was of which XFS was notified."""
        places = self._failures.places()
        assert all(length == PAGE for _, length in places), places
        return [offset - self._origin for offset, _ in places]

    def pfn(self, byte):
        """Return the page that holds a byte of the device."""
        for nvdimm, first, sectors in self.parts:
            if byte < sectors * SECTOR:
                return nvdimm.pfn(first * SECTOR + byte)
            byte -= sectors * SECTOR
        raise LookupError(byte)

    def fail(self, byte):
        """Fail the page of a byte of the device; return the errno of memory_failure()."""
        try:
            poison.poison_page(self.pfn(byte))
        except OSError as error:
            return error.errno
        return 0

    def check_notified(self, *places):
        """Assert that XFS was notified of these places and of no other, once each.

        Over dm-linear it must not be notified. The counters must agree.
        """
        assert self.notified() == ([] if self.kind == "linear" else list(places))
        if self.kind == "daxlinear":
            status = self.device.status()
            number = len(places)
            assert [sum(getattr(line, name) for line in status)
                    for name in ("received", "forwarded", "handled", "generic")] == [
                        number, number, number, 0]
            assert places[-1] // SECTOR in [line.last for line in status]
        if self.kind == "attached":
            handled = [int(attach.attribute(self.device, nvdimm, "handled"))
                       for nvdimm, _, _ in self.parts]
            assert sum(handled) == len(places)

    def victim(self, name, *options, offset=0, length=PAGE):
        """Return a process that maps a part of a file."""
        return self.bed.enter(Victim(self.fs.path(name), *options, offset=offset, length=length))

    def reserve_most(self, name):
        """Make a file of most free blocks; return where the device's parts begin."""
        self.fs.reserve(name, sum(SIZES) * MIB * 3 // 4)
        return [sum(SIZES[:number]) * MIB for number in range(len(SIZES))]


def place_between(extents, first, end):
    """Return a page, with others around it, that a file has between two places of the device."""
    for _, place, length in extents:
        low, high = max(place, first), min(place + length, end)
        if high - low >= 3 * PAGE:
            return (low + high) // 2 // PAGE * PAGE
    raise LookupError(f"nothing between {first} and {end} in {extents}")


@KINDS
@pytest.mark.parametrize("options", [[], ["-s"]], ids=["", "MAP_SYNC"])
def test_file_data(bed, kind, options):
    stack = Stack(bed, kind)
    starts = stack.reserve_most("file")
    extents = stack.fs.extents("file")
    places = [place_between(extents, start, start + size * MIB)
              for start, size in zip(starts, SIZES, strict=True)]
    victims = [stack.victim("file", *options, offset=stack.fs.find("file", place) - PAGE,
                            length=3 * PAGE)
               for place in places]
    for number, place in enumerate(places):
        assert [victim.lives() for victim in victims] == [at >= number for at in range(3)]
        assert stack.fail(place) == 0
        # generic handling also finds the processes that map a page of a single file
        assert victims[number].wait_sigbus() == Sigbus("AO", PAGE, PAGE_LSB)
    stack.check_notified(*places)
    assert not stack.fs.is_shut_down()


@pytest.mark.parametrize("kind", [
    BARE, "daxlinear", "attached",
    pytest.param("linear", marks=[pytest.mark.control,
                                  pytest.mark.alone(kernel.SHARED_PAGE_SPLAT)])])
@pytest.mark.parametrize("how", ["machine check", "madvise"])
def test_shared_data(bed, kind, how):
    # two files share their blocks, a process maps each
    bed.kmsg.expect_known()
    stack = Stack(bed, kind, reflink=True)
    stack.fs.write("one", b"data" * (MIB // 4))
    stack.fs.clone("one", "two")
    place = stack.fs.place("one", 9 * PAGE)
    assert stack.fs.place("two", 9 * PAGE) == place
    one, two = [stack.victim(name, "-r", length=MIB) for name in ("one", "two")]
    if how == "madvise":
        poison.poisoned.add(stack.pfn(place))
        one.ask("poison", 9 * PAGE)
    else:
        stack.fail(place)

    survivors = []
    if kind == "linear":
        survivors = [one, two] if kernel.SHARED_PAGE_KILLS_NO_PROCESS else [one]
    for survivor in survivors:
        # it goes on with bad data
        assert survivor.ask("touch", 9 * PAGE) == ["ok", str(b"d"[0])]
    if two not in survivors:
        assert two.wait_sigbus() == Sigbus("AO", 9 * PAGE, PAGE_LSB)
    if one not in survivors:
        code = "AR" if how == "madvise" else "AO"
        assert one.wait_sigbus() == Sigbus(code, 9 * PAGE, PAGE_LSB)
    stack.check_notified(place)
    assert not stack.fs.is_shut_down()


@KINDS
@pytest.mark.parametrize("place", [0, 3 * AGSIZE + PAGE], ids=["superblock", "AGF"])
def test_metadata(bed, kind, place):
    stack = Stack(bed, kind)
    stack.fs.write("file", b"data" * 1024)
    assert not stack.fs.is_shut_down()
    answer = stack.fail(place)
    stack.check_notified(place)
    if kind == "linear":
        # it goes on, with metadata that is gone
        assert answer == errno.EBUSY
        assert not stack.fs.is_shut_down()
        stack.fs.write("another", b"data")
    else:
        assert answer == errno.EUCLEAN
        assert stack.fs.is_shut_down()
        assert bed.kmsg.find("XFS .*(Corruption of on-disk metadata|Shutting down filesystem)")


@KINDS
def test_free_space(bed, kind):
    # nothing was lost, and XFS finds that out
    stack = Stack(bed, kind)
    stack.fs.reserve("file", 8 * MIB)
    place = stack.fs.place("file", 4 * MIB)
    # not unlink(): XFS would free the blocks later
    os.truncate(stack.fs.path("file"), 0)
    stack.fs.write("file", b"")
    assert stack.fail(place) == (errno.EBUSY if kind == "linear" else 0)
    stack.check_notified(place)
    assert not stack.fs.is_shut_down()


@KINDS
def test_data_that_nobody_maps(bed, kind):
    stack = Stack(bed, kind)
    stack.fs.write("file", b"data" * (MIB // 4))
    place = stack.fs.place("file", 5 * PAGE)
    assert stack.fail(place) == (errno.EBUSY if kind == "linear" else 0)
    stack.check_notified(place)
    assert not stack.fs.is_shut_down()
    assert stack.fs.read("file", 8, 6 * PAGE) == b"datadata"


@KINDS
def test_health_monitor(bed, kind):
    # XFS reports each failure that it is notified of to its own monitor, with the file's inode
    stack = Stack(bed, kind)
    path = stack.fs.write("file", b"data" * (MIB // 4))
    place = stack.fs.place("file", 5 * PAGE)
    inode = os.stat(path).st_ino
    if not kernel.HAS_HEALTH_MONITOR:
        with pytest.raises(OSError, match=os.strerror(errno.ENOTTY)):
            HealthMonitor(stack.fs.folder)
        return
    with HealthMonitor(stack.fs.folder) as monitor:
        stack.fail(place)
        stack.check_notified(place)
        # the unmount waits for events that XFS reports from a worker
        stack.fs.unmount()
        events = monitor.events()
    # the event of the unmount is put before all that wait to be read
    assert events == [Unmount(), Running()] + ([] if kind == "linear" else [
        MediaError(place // SECTOR, PAGE_SECTORS), DataLost(5 * PAGE, PAGE, inode)])


def huge_page(extents, start):
    """Return (offset in the file, place in the device) of what can be mapped in one piece."""
    for offset, place, length in extents:
        skip = -place % HUGE
        if place >= start and skip + HUGE <= length and (offset + skip) % HUGE == 0:
            return offset + skip, place + skip
    raise LookupError(f"no huge page in {extents}")


@KINDS
def test_huge_mapping(bed, kind):
    # a huge page: a page in the middle of it fails
    stack = Stack(bed, kind, agsize=3 * AGSIZE, stripe_huge=True)
    starts = stack.reserve_most("file")
    offset, place = huge_page(stack.fs.extents("file"), starts[2])
    # XFS converts 1024 pages of what is reserved at a time. Those are less than a huge page where
    # a page has 16 KiB, and the fault would fall back to single pages.
    stack.fs.write("file", bytes(HUGE), offset)
    victim = stack.victim("file", offset=offset, length=HUGE)
    assert stack.fail(place + 100 * PAGE) == 0
    # si_addr_lsb shows that the mapping was huge
    lost = 0 if kind == "linear" and kernel.NAMES_FIRST_PAGE_OF_FOLIO else 100 * PAGE
    assert victim.wait_sigbus() == Sigbus("AO", lost, HUGE_LSB)
    stack.check_notified(place + 100 * PAGE)


@KINDS
def test_file_across_children(bed, kind):
    # the last page of a child and the first of the next are neighbours in one extent
    stack = Stack(bed, kind, agsize=3 * AGSIZE)
    boundary = stack.reserve_most("file")[1]
    before = stack.fs.find("file", boundary - PAGE)
    assert stack.fs.find("file", boundary) == before + PAGE
    last = stack.victim("file", offset=before, length=PAGE)
    first = stack.victim("file", offset=before + PAGE, length=PAGE)
    both = stack.victim("file", offset=before - PAGE, length=4 * PAGE)

    assert stack.fail(boundary) == 0
    assert first.wait_sigbus() == Sigbus("AO", 0, PAGE_LSB)
    assert both.wait_sigbus() == Sigbus("AO", 2 * PAGE, PAGE_LSB)
    assert last.lives()
    assert stack.fail(boundary - PAGE) == 0
    assert last.wait_sigbus() == Sigbus("AO", 0, PAGE_LSB)
    stack.check_notified(boundary, boundary - PAGE)
    assert not stack.fs.is_shut_down()


@KINDS
def test_mapper_that_poisons_its_own_page(bed, kind):
    # the process is killed at once in spite of late kill; others with late kill live
    stack = Stack(bed, kind)
    stack.fs.write("file", b"data" * (MIB // 4))
    place = stack.fs.place("file", 3 * PAGE)
    victim = stack.victim("file", "-l", length=MIB)
    poison.poisoned.add(stack.pfn(place))
    assert victim.ask("poison", 3 * PAGE) is None
    assert victim.sigbus == Sigbus("AR", 3 * PAGE, PAGE_LSB)
    stack.check_notified(place)
