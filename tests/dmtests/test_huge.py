# SPDX-License-Identifier: GPL-2.0
"""Huge pages: which devices have them, by the kernel's tracepoint, and which lose them."""

import collections
import os

import pytest

from lib.command import CommandError
from lib.dm.target import DaxLinear, Linear
from lib.fs.xfs import Xfs
from lib.holders.trace import Trace
from lib.holders.victim import Victim
from lib.units import HUGE, HUGE_MIB, HUGE_SECTORS, MIB, MIB_SECTORS, PAGE_SECTORS

GROUP_MIB = max(64, 4 * HUGE_MIB)
FILE = min(8, GROUP_MIB // HUGE_MIB // 2) * HUGE


def faults(bed, device):
    """Return the counts of faults of huge pages by result, for each allocation group of an XFS."""
    ends = {}
    with Xfs(device, bed.folder(), size=2 * GROUP_MIB * MIB, agsize=GROUP_MIB * MIB,
             stripe_huge=True) as fs:
        for number in range(2):
            # XFS puts each new folder into another group
            os.mkdir(fs.path(f"{number}"))
            path = fs.reserve(f"{number}/file", FILE)
            with Trace("fs_dax/dax_pmd_fault_done") as trace, Victim(path, length=FILE):
                group = fs.place(f"{number}/file", 0) // (GROUP_MIB * MIB)
                ends[group] = collections.Counter(line.split()[-1] for line in trace.lines()
                                                  if "WRITE" in line)
    return ends


def two(bed, offset):
    """Return a device of two groups, the second from this sector of a child on."""
    sectors = GROUP_MIB * MIB_SECTORS
    return bed.device(DaxLinear.ranges([(bed.nvdimms[0], 0, sectors),
                                        (bed.nvdimms[1], offset, sectors)]))


def test_share(bed):
    bare = faults(bed, bed.nvdimms[0])
    assert bare == {0: {"NOPAGE": FILE // HUGE}, 1: {"NOPAGE": FILE // HUGE}}
    aligned = two(bed, 2 * HUGE_SECTORS)
    assert faults(bed, aligned) == bare
    assert [status.lost_pmd for status in aligned.status()] == [None]


def test_lost(bed):
    # one page off, and each fault in that range falls back to single pages
    device = two(bed, PAGE_SECTORS)
    found = faults(bed, device)
    assert found[0] == {"NOPAGE": FILE // HUGE}
    assert set(found[1]) == {"FALLBACK"}
    assert [status.lost_pmd for status in device.status()] == [1]


# ranges (child, offset, length) of a mapped device, in halves of a huge page, and whether it keeps
# its huge pages
CHILDREN = {
    "seam on a huge page": ([(0, 0, 4), (1, 2, 4)], True),
    # each range is aligned, and the huge page around the seam is in both
    "seam beside a huge page": ([(0, 0, 3), (1, 3, 5)], False),
    "second line beside one in memory": ([(0, 0, 4), (1, 1, 4)], False),
    "third line beside one in memory": ([(0, 0, 4), (1, 2, 2), (0, 5, 2)], False),
    "seam in contiguous memory": ([(0, 0, 3), (0, 3, 5)], False),
    "short end": ([(0, 0, 4), (1, 2, 3)], True),
}
HALF_SECTORS = HUGE_SECTORS // 2


def refused(bed, device, target):
    """Return why a table is refused."""
    mark = bed.kmsg.mark()
    with pytest.raises(CommandError):
        device.load(target)
    said = bed.kmsg.find("device-mapper: daxlinear: ", mark)
    # physical addresses are for root only
    assert len(said) == 1 and "0x" not in said[0]
    return said[0]


@pytest.mark.parametrize("kind", ["linear", "daxlinear"])
@pytest.mark.parametrize("name", CHILDREN)
def test_inside_a_mapped_child(bed, name, kind):
    lines, is_kept = CHILDREN[name]
    lines = [(bed.nvdimms[which], offset * HALF_SECTORS, length * HALF_SECTORS)
             for which, offset, length in lines]
    below = bed.device(*([DaxLinear.ranges(lines)] if kind == "daxlinear" else
                         [Linear(length, child, offset) for child, offset, length in lines]))
    device = bed.device()
    ranges = [(bed.nvdimms[2], 0, 2 * HUGE_SECTORS), (below, 0, below.sectors)]
    if is_kept:
        device.load(DaxLinear.ranges(ranges, "align_pmd"))
    else:
        why = refused(bed, device, DaxLinear.ranges(ranges, "align_pmd"))
        seam = sum(length for *_, length in lines[:2 if name.startswith("third") else 1])
        assert f"range 1: sector {2 * HUGE_SECTORS + seam} " in why
        assert f"offset {seam} on {below.disk}" in why
    device.reload(DaxLinear.ranges(ranges))
    assert [status.lost_pmd for status in device.status()] == [None if is_kept else 1]


def test_bad_pages(bed):
    # bad blocks end the run of a lookup, but are no reason against huge pages
    child = bed.nvdimms[0]
    child.add_badblocks(300 * PAGE_SECTORS + 3, 1)
    child.add_badblocks(700 * PAGE_SECTORS, 3 * PAGE_SECTORS)
    device = bed.device(DaxLinear.ranges([(child, 0, 4 * HUGE_SECTORS)], "align_pmd"))
    assert [status.lost_pmd for status in device.status()] == [None]


def test_no_memory(bed):
    # its child has lost its table: the dax_device is there, but maps no page
    lowest = bed.device(Linear(4 * HUGE_SECTORS, bed.nvdimms[0], 0))
    below = bed.device(Linear(4 * HUGE_SECTORS, lowest, 0))
    ranges = [(bed.nvdimms[1], 0, 2 * HUGE_SECTORS), (below, 2 * HUGE_SECTORS, 2 * HUGE_SECTORS)]
    lowest.wipe()
    device = bed.device()
    why = refused(bed, device, DaxLinear.ranges(ranges, "align_pmd"))
    assert f"range 1: offset {2 * HUGE_SECTORS} on {below.disk} has no memory (-EIO)" in why
    device.reload(DaxLinear.ranges(ranges))
    assert [status.lost_pmd for status in device.status()] == [1]
