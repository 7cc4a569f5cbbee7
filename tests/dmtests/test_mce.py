# SPDX-License-Identifier: GPL-2.0
"""Real machine checks: from the processor to the filesystem, without Linux's own injection."""

import errno

import pytest

from lib.beside import wait_for
from lib.devices import mce
from lib.devices.badblocks import Healed, badblocks
from lib.dm.status import Status
from lib.dm.target import DaxLinear
from lib.fs.xfs import SMALLEST_GROUP, Xfs, XfsFailures
from lib.holders.taint import MACHINE_CHECK
from lib.holders.trace import Trace
from lib.holders.victim import Sigbus, Victim
from lib.units import MIB, PAGE, PAGE_LSB, PAGE_SECTORS, SECTOR

SIZE = max(32 * MIB, SMALLEST_GROUP) // SECTOR

pytestmark = pytest.mark.last("from then on lockdep does not look any more")


@pytest.fixture(autouse=True)
def _taint(bed):
    bed.may_taint(MACHINE_CHECK)


@pytest.mark.usefixtures("renewed")
def test_file_data(bed):
    nvdimm = bed.enter(Healed(bed.nvdimms[1]))
    device = bed.device(DaxLinear(SIZE, bed.nvdimms[0], SIZE), DaxLinear(SIZE, nvdimm, SIZE))
    fs = bed.enter(Xfs(device, bed.folder(), agsize=SMALLEST_GROUP, reflink=False))
    fs.reserve("file", 3 * SIZE * SECTOR // 2)
    place = SIZE * SECTOR + 12 * MIB
    offset = fs.find("file", place)
    nvdimm.is_spoiled = True
    mark = bed.kmsg.mark()
    with Victim(fs.path("file"), "-e", offset=offset, length=PAGE) as early, \
            Victim(fs.path("file"), "-l", offset=offset, length=PAGE) as late, \
            Victim(fs.path("file"), "-e", offset=offset + MIB, length=PAGE) as beside, \
            XfsFailures() as failures, \
            Trace("dax_holder/dax_holder_failure", "mce/mce_record") as trace:
        at = int(early.ask("pfn", 0)[1]) * PAGE
        assert at == nvdimm.phys + SIZE * SECTOR + 12 * MIB
        mce.check(at)
        assert early.wait_sigbus() == Sigbus("AO", 0, PAGE_LSB)
        # The NVDIMM's driver is notified too, a little later, and refuses access to the page. So a
        # process with late kill gets its SIGBUS when it touches the page.
        bad = wait_for(lambda: badblocks(nvdimm), f"{nvdimm} has no bad block")
        assert late.ask("touch", 0) is None
        assert late.sigbus.offset == 0
        assert beside.lives()
        assert failures.places() == [(place, PAGE)]
        forwarded = [event for event in trace.fields() if "parent" in event]
        assert [(event["child"], int(event["child_bytes"], 0), event["parent"],
                 int(event["parent_bytes"], 0), int(event["rc"])) for event in forwarded] == [
                     (nvdimm.name, SIZE * SECTOR + 12 * MIB, device.disk, place, 0)]
        # the report came from the processor
        assert any("mce_record" in line for line in trace.lines())
    assert not bed.kmsg.find("Injecting memory failure", mark)
    lines = bed.kmsg.find(f"dax_holder: {nvdimm.name} failed at ", mark)
    assert len(lines) == 1
    assert f"{device.disk} holds it at 0x{place:x} (sector {place // SECTOR})" in lines[0]
    assert device.status() == [
        Status(), Status(received=1, forwarded=1, handled=1, last=place // SECTOR)]
    assert not fs.is_shut_down()

    first = (at - nvdimm.phys) // SECTOR
    assert bad.issubset(range(first, first + PAGE_SECTORS))
    with pytest.raises(OSError) as caught:
        fs.read("file", PAGE, offset)
    assert caught.value.errno == errno.EIO
    assert fs.read("file", PAGE, offset + PAGE) == bytes(PAGE)


def test_metadata(bed):
    # the page of the superblock
    nvdimm = bed.enter(Healed(bed.nvdimms[1]))
    device = bed.device(DaxLinear(SIZE, nvdimm, 2 * SIZE))
    fs = bed.enter(Xfs(device, bed.folder(), agsize=SMALLEST_GROUP, reflink=False))
    nvdimm.is_spoiled = True
    mce.check(nvdimm.phys + 2 * SIZE * SECTOR)
    wait_for(fs.is_shut_down, "XFS goes on")
    wait_for(lambda: badblocks(nvdimm), f"{nvdimm} has no bad block")
    assert device.status() == [Status(received=1, forwarded=1, handled=1, last=0)]
