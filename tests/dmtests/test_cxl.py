# SPDX-License-Identifier: GPL-2.0
"""The persistent memory of a CXL device beside an NVDIMM, as children of one device."""

import errno
import json
import mmap
import os

import pytest

from lib.beside import wait_for
from lib.command import run
from lib.devices import cxl, mce, monitor, nvdimm, poison
from lib.devices.unplug import Unplugged
from lib.dm.status import Status
from lib.fs.xfs import Xfs, XfsFailures
from lib.holders.taint import MACHINE_CHECK
from lib.holders.victim import Sigbus, Victim
from lib.tool import labels
from lib.tool.replace import content, fill
from lib.tool.tool import FOUND, ToolDevice, ask, call, daxlinear, refused
from lib.units import HUGE, MIB, PAGE, SECTOR

pytestmark = pytest.mark.cxl

# of each child: two allocation groups of the NVDIMM, one of the CXL device
NVDIMM, CXL = 256 * MIB, 128 * MIB
# where the CXL device starts, and a place in the file
START, PLACE = NVDIMM, NVDIMM + 6 * MIB


class Stack:
    """The device of both children, an XFS on it, and a file of most of its blocks."""

    def __init__(self, bed):
        self.bed = bed
        self.memory = cxl.child(bed)
        (beside,) = [child for child in bed.nvdimms if child is not self.memory]
        self.device = bed.enter(ToolDevice(beside, self.memory))
        assert self.device.sectors * SECTOR == NVDIMM + CXL
        daxlinear("mkfs", self.device.name)
        self.fs = bed.enter(Xfs(self.device, bed.folder(), make=False))
        self.path = self.fs.reserve("file", (NVDIMM + CXL) * 3 // 4)
        bed.kill_early()

    def victim(self, place, *options, length=PAGE):
        """Return a process that maps a part of the file, by its place in the device."""
        offset = self.fs.find("file", place)
        return self.bed.enter(Victim(self.path, *options, offset=offset, length=length))

    def fail(self, place):
        """Fail a page of the CXL device, by its place in the mapped device."""
        poison.poison_page(self.memory.pfn(place - START))

    def stored(self, place):
        """Return the byte that the CXL device itself has there."""
        fd = os.open(self.memory.path, os.O_RDONLY | os.O_DIRECT)
        try:
            with mmap.mmap(-1, PAGE) as page:
                assert os.preadv(fd, [page], place - START) == PAGE
                return page[0]
        finally:
            os.close(fd)

    def check_handled(self, place):
        """Assert that the failure of a page was forwarded to XFS, and nothing else."""
        assert self.device.status() == [Status(ranges=2, alive=2, received=1, forwarded=1,
                                               handled=1, last=place // SECTOR)]


@pytest.mark.parametrize("length, lsb", [(PAGE, 12), (HUGE, 21)])
def test_file_data(clean, length, lsb):
    stack = Stack(clean)
    beside = stack.victim(32 * MIB, "-s")
    victim = stack.victim(PLACE, "-s", length=length)
    assert victim.ask("write", 0, 77) == ["ok"]
    assert stack.stored(PLACE) == 77
    with XfsFailures() as failures:
        stack.fail(PLACE)
        assert victim.wait_sigbus() == Sigbus("AO", 0, lsb)
        assert failures.places() == [(PLACE, PAGE)]
    assert beside.lives() and not stack.fs.is_shut_down()
    stack.check_handled(PLACE)
    text = daxlinear("damage", stack.device.name, code=FOUND)
    assert f"{stack.path}, data at {stack.fs.find('file', PLACE):#x}" in text


def test_metadata(clean):
    # of the last allocation group
    stack = Stack(clean)
    with pytest.raises(OSError) as caught:
        stack.fail(START)
    assert caught.value.errno == errno.EUCLEAN
    assert stack.fs.is_shut_down()
    stack.check_handled(START)


def remade(bed, sector):
    """Return the child of the CXL device, with logical sectors of this size."""
    memory = cxl.child(bed)
    (namespace,) = {entry["dev"] for entry in json.loads(run("ndctl", "list", "-N"))
                    if entry["blockdev"] == memory.name}
    run("ndctl", "create-namespace", "-f", "-e", namespace, "-m", "fsdax", "-M", "mem",
        "--sector-size", sector)
    bed.nvdimms = nvdimm.discover()
    return cxl.child(bed)


def test_replace_of_large_sectors(clean):
    # a bad block of 512 bytes makes all of its sector unreadable
    (small,) = [child for child in clean.nvdimms if child is not cxl.child(clean)]
    large = remade(clean, 4096)
    length = 64 * MIB
    try:
        daxlinear("create", "mem", large, "--len", length, "--granule", length)
        data = bytearray(fill("/dev/mapper/mem", 1, length))
        lost = 5 * MIB // PAGE * PAGE
        data[lost:lost + 4096] = bytes(4096)
        large.add_badblocks(labels.FRONT + lost // SECTOR + 3, 1)
        assert "4 KiB could not be read" in daxlinear("replace", "--to-larger", "mem", large, small)
        assert content("/dev/mapper/mem", length) == data
        (bad,) = ask("damage", "mem", code=FOUND)["bad"]
        assert (bad["offset_bytes"], bad["length_bytes"]) == (lost, 4096)
        daxlinear("release", large)
        # what is on the device may use sectors of 512 bytes now
        assert "has sectors of 4096 bytes" in refused("replace", "--to-larger", "mem", small, large)
        daxlinear("remove", "mem")
        daxlinear("release", small)
    finally:
        remade(clean, 512)


def test_members_with_large_sectors(clean):
    # a label goes by the sectors of its disk, and another member has others
    (small,) = [child for child in clean.nvdimms if child is not cxl.child(clean)]
    large = remade(clean, 4096)
    try:
        assert run("blockdev", "--getss", large.path) == "4096\n"
        before = labels.make("mem", large, small)
        assert large.number in before and small.number in before
        found = labels.members()
        assert [found[child.path]["number"] for child in (large, small)] == [1, 2]
        assert f"{large.name}p1" in os.listdir("/sys/class/block")
        daxlinear("remove", "mem")
        labels.spoil(large, 1)
        assert large.path in call("assemble", "mem").err
        assert labels.table("mem") == before
        daxlinear("label", "mem")
        daxlinear("rename", "mem", "new")
        daxlinear("remove", "new")
        labels.spoil(large, 2)
        assert call("assemble", "new").code == 0
        assert labels.table("new") == before
        daxlinear("remove", "new")
        for child in large, small:
            daxlinear("release", child)
        assert labels.members() == {}
    finally:
        labels.blank()
        remade(clean, 512)


@pytest.mark.last("the kernel does not map the page any more, and a write to it is an oops")
def test_machine_check(clean):
    clean.may_taint(MACHINE_CHECK)
    stack = Stack(clean)
    victim = stack.victim(PLACE)
    poison.poisoned.add(stack.memory.pfn(PLACE - START))
    mce.check(stack.memory.phys + PLACE - START)
    assert victim.wait_sigbus() == Sigbus("AO", 0, 12)
    stack.check_handled(PLACE)


def test_driver_is_unbound(clean):
    stack = Stack(clean)
    victim, beside = stack.victim(PLACE), stack.victim(32 * MIB)
    with XfsFailures() as failures, Unplugged(stack.memory):
        assert victim.wait_sigbus() == Sigbus("AO", 0, 12)
        assert failures.places() == [(START, CXL)]
        assert beside.lives() and stack.fs.is_shut_down()


@pytest.mark.last("the CXL device is gone from then on", turn=2)
def test_hot_unplug(clean):
    # no file is mapped: 6.1 could not unmount
    stack = Stack(clean)
    with XfsFailures() as failures:
        assert not monitor.command("device_del cxl0")
        wait_for(stack.fs.is_shut_down, "XFS goes on")
        assert failures.places() == [(START, CXL)]
    wait_for(lambda: not os.path.exists(f"/sys/block/{stack.memory.name}"), "it is still there")
