# SPDX-License-Identifier: GPL-2.0
"""2 MiB mappings: who has them, by the kernel's own account, and who loses them."""

import collections
import os

from lib.dm import DaxLinear
from lib.trace import Trace
from lib.units import HUGE, MIB, MIB_SECTORS, PAGE_SECTORS
from lib.victim import Victim
from lib.xfs import Xfs

GROUP_MIB = 64
FILE = 8 * HUGE


def faults(bed, device):
    """Return how many 2 MiB faults end how, by allocation group of an XFS."""
    ends = {}
    with Xfs(device, bed.folder(), size=2 * GROUP_MIB * MIB, agsize=GROUP_MIB * MIB,
             stripe_2m=True) as fs:
        for number in range(2):
            # a folder of its own, so that they are spread over the groups
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
    aligned = two(bed, MIB_SECTORS * 4)
    assert faults(bed, aligned) == bare
    assert [status.lost_2m for status in aligned.status()] == [None]


def test_lost(bed):
    # a page off, and every fault in that range falls back to small ones
    device = two(bed, PAGE_SECTORS)
    found = faults(bed, device)
    assert found[0] == {"NOPAGE": FILE // HUGE}
    assert set(found[1]) == {"FALLBACK"}
    assert [status.lost_2m for status in device.status()] == [1]
