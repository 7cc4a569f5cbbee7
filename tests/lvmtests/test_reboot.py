# SPDX-License-Identifier: GPL-2.0
"""A reboot: volumes are activated by themselves, and mounted by fstab."""

import os
import shutil

import pytest

from lib.beside import wait_for
from lib.command import run, write_file
from lib.fs.xfs import Xfs
from lib.lvm.conf import CONF
from lib.lvm.mounted import Mounted
from lib.lvm.volume import Group, Volume
from lib.units import MIB, PAGE

FOLDER = "/srv/data"


def group_of(children):
    """Return the group, which is made before the reboot and removed after it."""
    return Group("vg", *children[1:3])


def test_leave_volumes(bed):
    """Leave a volume and a line of fstab for after the reboot."""
    group = group_of(bed.nvdimms)
    group.make()
    a, b = bed.nvdimms[1:3]
    volume = group.create("data", "-L", "160M", a)
    run("lvextend", "-qq", "-L", "+64M", volume.full_name, b)
    group.create("log", "-L", "16M", b)
    os.makedirs(FOLDER)
    run("mkfs.xfs", "-q", "-f", "-m", "rmapbt=1,reflink=0", "--unsupported",
        volume.path)
    with open("/etc/fstab", "a", encoding="ascii") as file:
        file.write(f"{volume.path} {FOLDER} xfs dax=always,nofail 0 0\n")
    with open(CONF, "a", encoding="ascii") as file:
        file.write("convert = */log\n")
    run("vgchange", "-qq", "-an", "vg")
    # see scripts/inside/init
    write_file("/run/reboot", "")


@pytest.mark.after_reboot
def test_after_reboot(bed):
    volume, log = (Volume(group_of(bed.nvdimms), name) for name in ("data", "log"))
    wait_for(lambda: os.path.ismount(FOLDER), "fstab's volume is not mounted")
    assert volume.targets() == ({"linear"}, "")
    # attached by the rule as LVM's own rule activated it; converted soon after
    wait_for(lambda: log.targets()[0] == {"daxlinear"}, "it is not converted")
    log.check(bed)
    mounted = bed.enter(Mounted(volume, Xfs(volume, FOLDER, make=False)))
    mounted.fs.write("ledger", bytes(PAGE))
    child = mounted.fail("ledger", 0, 224 * MIB)
    assert child in volume.group.children and len(mounted.notified()) == 1
    run("umount", FOLDER)
    volume.check(bed)
    volume.group.remove()
    shutil.rmtree(FOLDER)
