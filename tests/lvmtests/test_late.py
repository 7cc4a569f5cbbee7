# SPDX-License-Identifier: GPL-2.0
"""Volumes that were there before the module dax_holder, or before the udev rule."""

import fcntl

import pytest

from lib.beside import wait_for
from lib.command import run
from lib.holders.attach import listed
from lib.lvm.conf import configured
from lib.lvm.module import without_module
from lib.lvm.udev import without_rule
from lib.lvm.volume import Group
from lib.tool.tool import daxlinear, refused


def journal():
    """Return all that the journal has of this boot."""
    return run("journalctl", "-b", "-o", "cat")


def test_module_loaded_later(bed):
    a, b = bed.nvdimms[:2]
    with without_module():
        group = bed.enter(Group("vg", a, b))
        volume = group.create("data", "-L", "16M", a)
        run("lvextend", "-qq", "-L", "+16M", volume.full_name, b)
        wait_for(lambda: "vg/data is not notified of memory failures: the kernel has no module "
                 "dax_holder" in journal(), "the journal does not have the rule's message")
    wait_for(lambda: listed() == sorted([(a.name, volume.disk), (b.name, volume.disk)]),
             "the volume is not attached")
    volume.check(bed)


def test_module_loaded_while_lvm_is_busy(bed):
    """The event of the module waits for no lock of LVM's."""
    a = bed.nvdimms[0]
    with configured("convert = */*"):
        with without_module(), without_rule():
            group = bed.enter(Group("vg", a))
            volume = group.create("data", "-L", "16M", a)
            # the bed closes it
            # pylint: disable-next=consider-using-with
            lock = bed.enter(open("/run/lock/lvm/V_vg", "w", encoding="ascii"))
            fcntl.flock(lock, fcntl.LOCK_EX)
        run("udevadm", "settle", "--timeout=60")
        assert listed() == [(a.name, volume.disk)]
        assert volume.targets() == ({"linear"}, "")
        fcntl.flock(lock, fcntl.LOCK_UN)
        wait_for(lambda: volume.targets()[0] == {"daxlinear"}, "it is never converted")
    volume.check(bed)


def test_reconcile_attaches(bed):
    a, b = bed.nvdimms[:2]
    group = bed.enter(Group("vg", a, b))
    with without_rule(), configured("attach = vg/d* vg/log", "convert = vg/log"):
        data = group.create("data", "-i", "2", "-L", "16M")
        log = group.create("log", "-l", "1", a)
        other = group.create("other", "-l", "1", a)
        assert not listed()
        assert daxlinear("lvm", "reconcile", "vg/data") == (
            f"vg/data: attached to {','.join(sorted([a.name, b.name]))}\n")
        assert daxlinear("lvm", "reconcile") == f"vg/log: attached to {a.name}, converted\n"
        assert daxlinear("lvm", "reconcile") == ""
        data.check(bed)
        log.check(bed)
        other.check(bed, registered=False)


@pytest.mark.parametrize("name", ["vg/nosuch", "nosuch", "vg-nosuch"])
def test_reconcile_of_no_volume(bed, name):
    group = bed.enter(Group("vg", bed.nvdimms[0]))
    group.create("data", "-l", "1")
    assert f'no active logical volume "{name}"' in refused("lvm", "reconcile", name)


def test_reconcile_without_the_module(bed):
    a = bed.nvdimms[0]
    with without_module(), without_rule():
        assert daxlinear("lvm", "reconcile") == ""
        group = bed.enter(Group("vg", a))
        group.create("data", "-l", "1")
        assert "modprobe dax_holder" in refused("lvm", "reconcile")
