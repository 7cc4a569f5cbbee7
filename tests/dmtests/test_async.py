# SPDX-License-Identifier: GPL-2.0
"""A child without synchronous faults, virtio-pmem, beside children that have them.

The kernel never takes back a mapped device's promise of MAP_SYNC, so such a child must not get
under it later on.
"""

import errno
import os

import pytest

from lib.command import CommandError
from lib.devices.virtio import asynchronous, new_device
from lib.dm.target import DaxLinear
from lib.fs.xfs import Xfs
from lib.holders.victim import Victim
from lib.units import MIB, MIB_SECTORS, PAGE, SECTOR


@pytest.fixture(name="child")
def _child(bed):
    return asynchronous(bed)


def test_never_joins_a_synchronous_device(bed, child):
    first = bed.nvdimms[0]
    device = bed.device(DaxLinear(MIB_SECTORS, first, 0))
    before = device.table_text()
    mark = bed.kmsg.mark()
    with pytest.raises(CommandError) as caught:
        device.load(DaxLinear(MIB_SECTORS, first, 0), DaxLinear(MIB_SECTORS, child, 0))
    assert os.strerror(errno.EXDEV) in caught.value.output
    assert bed.kmsg.find(f"{device.disk} promises synchronous faults .*{child.name} has none", mark)
    assert bed.probe.is_free(child)
    assert device.table_text() == before


def test_together_in_a_new_device(bed, child):
    # the device promises nothing, and failures of all children are forwarded
    first = bed.nvdimms[0]
    device = new_device(bed, DaxLinear(16 * MIB_SECTORS, first, 8 * MIB_SECTORS),
                        DaxLinear(48 * MIB_SECTORS, child, 80))
    with bed.probe.holding(device):
        injections = bed.probe.inject_all([(first, 8 * MIB), (child, 80 * SECTOR + 7 * PAGE)])
    assert [[call.off for call in injection.calls] for injection in injections] == [
        [0], [16 * MIB + 7 * PAGE]]
    with Xfs(device, bed.folder()) as fs:
        fs.reserve("file", MIB)
        with Victim(fs.path("file")) as victim:
            assert victim.ask("write", 5 * PAGE, 77) == ["ok"]
        with pytest.raises(AssertionError, match="never got ready"):
            with Victim(fs.path("file"), "-s"):
                pass
        assert fs.read("file", 1, 5 * PAGE) == bytes([77])


def test_more_of_its_kind_may_follow(bed, child):
    device = new_device(bed, DaxLinear(MIB_SECTORS, child, 0))
    device.reload(DaxLinear(MIB_SECTORS, child, 0), DaxLinear(MIB_SECTORS, bed.nvdimms[0], 0))
    with bed.probe.holding(device):
        assert [call.off for call in bed.probe.inject(bed.nvdimms[0], 0).calls] == [MIB]


def test_a_taken_over_promise_is_seen_at_resume(bed, child):
    # a device whose dax_device still has the flag of one that was synchronous
    device = bed.device(DaxLinear(MIB_SECTORS, bed.nvdimms[0], 0))
    device.reload("0 8 error")
    device.load(DaxLinear(MIB_SECTORS, child, 0))
    with pytest.raises(CommandError):
        device.resume()
