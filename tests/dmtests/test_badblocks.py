# SPDX-License-Identifier: GPL-2.0
"""Bad blocks below a filesystem: reading, writing and clearing are as on a bare NVDIMM.

A write over a bad block asks the NVDIMM to clear it and goes through recovery_write. QEMU's NVDIMMs
can't; the test module pmemheal has them as though they could. Both are shown.
"""

import errno
import os
from collections import namedtuple

import pytest

from lib import kernel
from lib.devices.badblocks import badblocks
from lib.dm.target import DaxLinear
from lib.fs.xfs import SMALLEST_GROUP, Xfs
from lib.holders.trace import Kprobe
from lib.holders.victim import Victim
from lib.module import HEAL
from lib.units import MIB, PAGE, PAGE_SECTORS, SECTOR, pages

SIZE = max(32 * MIB, SMALLEST_GROUP) // SECTOR

# pages of the file, so far apart that the cases don't meet
STRIDE = 16

# An access to a few pages of a file. `bad` are (sector, sectors) and `offset` is in bytes, all
# counted from the first page of the case.
Case = namedtuple("Case", "verb bad offset length")

CASES = {
    "write over a sector": Case("write", [(pages(1) + 3, 1)], PAGE, PAGE),
    "write over a page": Case("write", [(pages(1), pages(1))], PAGE, PAGE),
    "write over half a page": Case(
        "write", [(pages(1) + PAGE_SECTORS // 2, PAGE_SECTORS // 2)], PAGE, PAGE),
    "write to a part of a page": Case("write", [(pages(1) + 3, 1)], PAGE + 1000, 100),
    "write over three pages": Case("write", [(pages(1), pages(3))], 0, 5 * PAGE),
    "write over one of three pages": Case("write", [(pages(2) + 1, 2)], PAGE, 3 * PAGE),
    "write over every other page": Case(
        "write", [(pages(1), 1), (pages(3), 1), (pages(5), 1)], 0, 7 * PAGE),
    "write from the middle of a page to that of another": Case(
        "write", [(pages(1), pages(1)), (pages(3), pages(1))], PAGE + 700, 2 * PAGE + 1000),
    "write beside": Case("write", [(pages(1), pages(1))], 2 * PAGE, PAGE),
    "read a sector": Case("read", [(pages(1) + 3, 1)], PAGE, PAGE),
    "read the rest of the page": Case("read", [(pages(1) + 3, 1)], PAGE, 512),
    "read up to a bad page": Case("read", [(pages(2), pages(1))], 0, 5 * PAGE),
    "read beside": Case("read", [(pages(1), pages(1))], 2 * PAGE, PAGE),
}


def recovery():
    """Return a trace of the requests to the NVDIMMs' driver."""
    return Kprobe("pmem_recovery_write", dax_dev=None, pgoff="u64", addr=None, bytes="u64")


class Stack:
    """A filesystem with a file, on a bare NVDIMM or on ranges of two."""

    def __init__(self, bed, kind):
        if kind == "bare":
            nvdimm = bed.nvdimms[3]
            self.parts = [(nvdimm, 2 * SIZE, 2 * SIZE)]
            device = bed.enter(nvdimm.partition(2 * SIZE, 2 * SIZE))
        else:
            self.parts = [(bed.nvdimms[1], 2 * SIZE, SIZE), (bed.nvdimms[2], SIZE, SIZE)]
            device = bed.device(DaxLinear.ranges(self.parts))
        self.fs = bed.enter(Xfs(device, bed.folder(), agsize=SMALLEST_GROUP, reflink=False))
        self.path = self.fs.write("file", bytes(STRIDE * PAGE * len(CASES)))
        # in one piece, so that the cases are alike everywhere
        (_, start, length), = self.fs.extents("file")
        assert length == STRIDE * PAGE * len(CASES) and start + length <= SIZE * SECTOR
        self.nvdimm = self.parts[0][0]
        self.first = self.parts[0][1] + start // SECTOR

    def access(self, case, base):
        """Make the access of a case; return what the call returns: a number, data or an errno."""
        fd = os.open(self.path, os.O_RDWR)
        try:
            if case.verb == "write":
                return os.pwrite(fd, b"n" * case.length, base + case.offset)
            return os.pread(fd, case.length, base + case.offset)
        except OSError as error:
            return errno.errorcode[error.errno]
        finally:
            os.close(fd)

    def run(self, number, case, calls):
        """Run a case; return what it read or wrote, and what the driver was asked for."""
        base, first = number * STRIDE * PAGE, self.first + number * STRIDE * PAGE_SECTORS
        for sector, count in case.bad:
            self.nvdimm.add_badblocks(first + sector, count)
        before = len(calls.fields())
        result = self.access(case, base)
        recovered = [(int(call["pgoff"]) - first // PAGE_SECTORS, int(call["bytes"]))
                     for call in calls.fields()[before:]]
        bad = sorted(sector - first for sector in badblocks(self.nvdimm)
                     if 0 <= sector - first < STRIDE * PAGE_SECTORS)
        content = [self.access(Case("read", [], page * PAGE, PAGE), base)
                   for page in range(STRIDE)]
        return result, recovered, bad, content

    def mapping(self, number):
        """Return what a process prints that maps the bad page of a case."""
        with pytest.raises(AssertionError) as caught:
            with Victim(self.path, offset=number * STRIDE * PAGE, length=2 * PAGE):
                pass
        return str(caught.value)


@pytest.mark.parametrize("heals", [False, True], ids=["stays bad", "is cleared"])
def test_as_on_a_bare_nvdimm(bed, heals):
    if heals:
        bed.enter(HEAL)
    found = {}
    for kind in ("bare", "daxlinear"):
        stack = Stack(bed, kind)
        with recovery() as calls:
            found[kind] = {name: stack.run(number, case, calls)
                           for number, (name, case) in enumerate(CASES.items())}
        found[kind]["map"] = stack.mapping(list(CASES).index("read a sector"))
    for name, wanted in found["bare"].items():
        assert found["daxlinear"][name] == wanted, name

    # the bare NVDIMM does what is documented, else the comparison would prove nothing
    ours = found["daxlinear"]
    new, old, lost = b"n" * PAGE, bytes(PAGE), "EIO"
    # the result of a write that recovers nothing depends on the kernel
    failed = "EFAULT"
    if heals:
        assert ours["write over a page"] == (
            PAGE, [(1, PAGE)], [], [old, new, *[old] * 14])
        assert ours["write over three pages"][0] == 5 * PAGE
        assert ours["write over every other page"][2:] == ([], [*[new] * 7, *[old] * 9])
    else:
        assert ours["write over a page"] == (
            failed, [(1, PAGE)], list(range(pages(1), pages(2))), [old, lost, *[old] * 14])
    assert ours["write to a part of a page"][:3] == (failed, [(1, 100)], [pages(1) + 3])
    assert ours["write beside"] == (
        PAGE, [], list(range(pages(1), pages(2))), [old, lost, new, *[old] * 13])
    assert ours["read a sector"][0] == lost
    assert f"sigbus {kernel.BAD_BLOCK_SIGBUS} {PAGE}" in ours["map"]


def test_across_children(bed):
    """A write over bad blocks on both sides of where one child ends and another begins."""
    size = 3 * SIZE // 4
    parts = [(bed.nvdimms[1], 2 * SIZE, size), (bed.nvdimms[2], SIZE, size)]
    device = bed.device(DaxLinear.ranges(parts))
    fs = bed.enter(Xfs(device, bed.folder(), agsize=SMALLEST_GROUP, reflink=False))
    fs.reserve("file", 3 * size * SECTOR // 2)
    edge = size * SECTOR
    at = fs.find("file", edge)
    assert fs.place("file", at - 4 * PAGE) == edge - 4 * PAGE
    fs.write("file", b"old!" * (2 * PAGE), at - 4 * PAGE)
    ends = [(nvdimm, first + offset) for (nvdimm, first, _), offset
            in zip(parts, (size - 2 * PAGE_SECTORS, 0), strict=True)]
    for nvdimm, sector in ends:
        nvdimm.add_badblocks(sector, 2 * PAGE_SECTORS)

    data = b"new " * PAGE
    with pytest.raises(OSError) as caught:
        fs.write("file", data, at - 2 * PAGE)
    assert caught.value.errno == errno.EFAULT
    bed.enter(HEAL)
    with recovery() as calls:
        fs.write("file", data, at - 2 * PAGE)
        # a page at a time, and each request went to the child that has the page
        assert [(int(call["pgoff"]) * PAGE_SECTORS, int(call["bytes"]))
                for call in calls.fields()] == [(sector + page * PAGE_SECTORS, PAGE)
                                                for _, sector in ends for page in range(2)]
    assert not any(badblocks(nvdimm) for nvdimm, _ in ends)
    assert fs.read("file", 8 * PAGE, at - 4 * PAGE) == (
        b"old!" * (PAGE // 2) + data + b"old!" * (PAGE // 2))


def test_lookup(bed):
    # which pages the kernel gets an error for, by access and by recovery
    child, other = bed.nvdimms[1:3]
    ranges = [(other, 0, 8 * PAGE_SECTORS), (child, 800, 16 * PAGE_SECTORS)]
    device = bed.device(DaxLinear.ranges(ranges))
    # pages 2 and 3 of the second range, and one behind it
    child.add_badblocks(800 + 2 * PAGE_SECTORS + 3, PAGE_SECTORS)
    child.add_badblocks(800 + 16 * PAGE_SECTORS, 1)
    places = [(page, count) for page in range(16) for count in (1, 3, 16) if page + count <= 16]
    for how in ("access", "phys"):
        through, bare = (
            [(page.pfn, page.pages) for page in bed.probe.lookup(
                [(one, start + page * PAGE, count) for page, count in places], how)]
            for one, start in ((device, 8 * PAGE), (child, 800 * SECTOR)))
        assert through == bare
        bad = {page for (page, count), (pfn, _) in zip(places, through, strict=True)
               if count == 1 and pfn < 0}
        assert bad == ({2, 3} if how == "access" else set())
    # a failure is forwarded there as elsewhere
    with bed.probe.holding(device):
        assert [call.off for call in bed.probe.inject(child, 800 * SECTOR + 2 * PAGE).calls] == [
            10 * PAGE]
