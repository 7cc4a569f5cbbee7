# SPDX-License-Identifier: GPL-2.0
"""The rule itself: its effect on LVM's commands, slow udev, failures meanwhile, and its removal."""

import os
import re

import pytest

from lib.command import run
from lib.fs.xfs import Xfs
from lib.holders.attach import listed
from lib.holders.injector import Injector
from lib.lvm.conf import configured
from lib.lvm.mounted import Mounted
from lib.lvm.udev import slow_udev, without_rule
from lib.lvm.volume import Group
from lib.module import HOLDER, TARGET
from lib.units import MIB

ROUNDS = int(os.environ.get("LVMTESTS_ROUNDS", "1"))

STEPS = (("lvextend", "-L", "+16M", "vg/data"),
         ("lvchange", "--refresh", "vg/data"),
         ("lvrename", "vg", "data", "other"),
         ("lvreduce", "-f", "-L", "16M", "vg/other"),
         ("lvrename", "vg", "other", "data"))


@pytest.mark.parametrize("way", ["attached", "converted"])
def test_failures_meanwhile(bed, way):
    """Each failure of a place that stays in the volume is forwarded, whatever LVM does meanwhile.

    LVM's commands wait for udev, and so for our rule, however slow it is.
    """
    a, b = bed.nvdimms[:2]
    if way == "converted":
        bed.enter(configured("convert = */*"))
    bed.enter(slow_udev(0.5))
    group = bed.enter(Group("vg", a, b))
    volume = group.create("data", "-L", "16M", a)
    offset, child, byte = volume.places()[1]
    held, steps = volume.number, 0
    with bed.probe.holding(held):
        bed.probe.reset()
        with Injector([(child, byte)]):
            for _ in range(ROUNDS):
                for words in STEPS:
                    said = run(*words)
                    steps += 1
                    if "lvrename" in words:
                        volume.name = words[-1]
                    kinds = {"attached": "linear", "converted": "daxlinear"}
                    assert volume.targets() == ({kinds[way]}, "")
                    assert "WARNING: Detected" not in said or way == "converted", said
        done, strays = bed.probe.records()
    assert not strays and len(done) > 10 * steps
    for injection in done:
        assert [(call.dev, call.off) for call in injection.calls] == [(held, offset)], injection
        assert injection.rc == 0
    volume.check(bed)


def test_grown_under_xfs(bed):
    a, b, c = bed.nvdimms[1:4]
    group = bed.enter(Group("vg", a, b, c))
    volume = group.create("data", "-L", "200M", c)
    mounted = bed.enter(Mounted(volume, bed.enter(Xfs(volume, bed.folder(), reflink=False))))
    run("lvextend", "-L", "+100M", volume.full_name, a)
    run("xfs_growfs", mounted.fs.folder)
    mounted.fs.reserve("most", 250 * MIB)
    # the first place was there before, the second is new
    assert mounted.fail("most", 0, 200 * MIB) is c
    assert mounted.fail("most", 200 * MIB, 300 * MIB) is a
    assert len(mounted.notified()) == 2


def test_striped_under_xfs(bed):
    children = bed.nvdimms[1:4]
    group = bed.enter(Group("vg", *children))
    volume = group.create("wide", "-i", "3", "-I", "64k", "-L", "192M")
    mounted = bed.enter(Mounted(volume, bed.enter(Xfs(volume, bed.folder(), reflink=False))))
    mounted.fs.write("file", bytes(MIB))
    chunk = 64 * 1024
    first = mounted.fs.place("file", 0) // chunk * chunk
    hit = {mounted.fail("file", at, at + chunk)
           for at in range(first + chunk, first + 4 * chunk, chunk)}
    assert hit == set(children)
    assert len(mounted.notified()) == 3


def test_all_is_taken_away(bed):
    """Volumes that are mounted go on as stock."""
    a, b = bed.nvdimms[1:3]
    group = bed.enter(Group("vg", a, b))
    volume = group.create("data", "-L", "200M", b)
    with configured("convert = vg/log"):
        log = group.create("log", "-l", "1", a)
    fs = bed.enter(Xfs(volume, bed.folder()))
    with without_rule():
        # LVM's own table first: a target that is in use cannot be unloaded
        run("lvchange", "--refresh", log.full_name)
        assert log.targets() == ({"linear"}, "")
        run("lvextend", "-l", "+1", volume.full_name, a)
        # it stays attached, to the same children
        assert listed() == sorted([(a.name, log.disk), (b.name, volume.disk)])
        TARGET.remove()
        HOLDER.remove()
        try:
            fs.write("file", b"there")
            run("lvextend", "-l", "+1", volume.full_name)
            run("xfs_growfs", fs.folder)
            assert fs.read("file", 5) == b"there"
        finally:
            HOLDER.insert()
            TARGET.insert()
    # and back again
    run("lvchange", "--refresh", volume.full_name)
    assert sorted(child for child, disk in listed() if disk == volume.disk) == sorted(
        [a.name, b.name])


def test_without_the_module(bed):
    """The rule loads the module."""
    a = bed.nvdimms[0]
    group = bed.enter(Group("vg", a))
    TARGET.remove()
    HOLDER.remove()
    volume = group.create("data", "-L", "16M")
    assert re.search(r"^dax_holder ", run("lsmod"), re.MULTILINE)
    volume.check(bed)
    run("modprobe", "dm-daxlinear")
