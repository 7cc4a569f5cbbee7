# SPDX-License-Identifier: GPL-2.0
"""Reboots: volumes and devices of members appear by themselves, and are mounted by fstab."""

import os
import pickle
import re
import shutil

import pytest

from lib.beside import wait_for
from lib.command import run, write_file
from lib.devices import nvdimm
from lib.devices.moved import move
from lib.devices.unplug import Unplugged
from lib.fs.xfs import Xfs
from lib.lvm.conf import CONF
from lib.lvm.mounted import Mounted
from lib.lvm.volume import Group, Volume
from lib.tool import labels
from lib.tool.members import FOLDER as SET_FOLDER
from lib.tool.members import MOUNT, SERVICE, Members, state
from lib.tool.replace import Held, content, fill, pattern
from lib.tool.tool import ask, call, daxlinear
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


# how much of a member is used, and how much of it is copied before the reboot
KEPT, COPIED = 64 * MIB, 16 * MIB


def replaced(folder, size):
    """Return a replace of the first NVDIMM by the last, held when so much is copied."""
    old, *_, new = nvdimm.discover()
    return Held(folder, size, "--to-larger", "kept", old, new)


def test_leave_replace(tmp_path):
    """Leave a replace that has copied a part."""
    old = nvdimm.discover()[0]
    daxlinear("create", "kept", old, "--len", KEPT, "--granule", KEPT)
    fill("/dev/mapper/kept", 1, KEPT)
    with replaced(tmp_path, COPIED):
        pass
    wait_for(lambda: call("remove", "kept").code == 0, "it is in use")


@pytest.mark.after_reboot(2)
def test_replace_goes_on(tmp_path):
    # of the device that was made at boot
    old, *_, new = nvdimm.discover()
    wait_for(lambda: os.path.exists("/dev/mapper/kept"), "kept is not made")
    run("udevadm", "settle")
    with replaced(tmp_path, KEPT) as replace:
        assert COPIED <= replace.begun_with() < KEPT
        replace.go()
    assert content("/dev/mapper/kept", KEPT) == pattern(1, KEPT)
    assert {path: one["is"] for path, one in labels.members().items()} == {
        old.path: "replaced", new.path: "in place"}
    daxlinear("remove", "kept")
    for one in old, new:
        daxlinear("release", one)
        one.wipe()
    run("udevadm", "settle")


@pytest.mark.after_reboot(2)
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


# Which NVDIMM has what at the 3rd, 4th and 5th boot: ORDERS[boot][slot] is the number of a member.
ORDERS = {3: (1, 2, 0), 4: (2, 1, 0), 5: (0, 2, 1)}
DIARY = f"{SET_FOLDER}/diary"
# the label of the member that is left out
LEFT_OUT = "/var/lib/lvmtests-left-out"


def slots():
    """Return the NVDIMMs that are put into other slots."""
    return nvdimm.discover()[:3]


def write_diary(line):
    """Leave a line for the next boots."""
    with open(DIARY, "a", encoding="utf-8") as file:
        file.write(f"{line}\n")


def put(order, before, used):
    """Put the members into slots, which had another order before."""
    run("umount", SET_FOLDER)
    daxlinear("remove", "mem")
    move(slots(), [before.index(number) for number in order], used)


@pytest.mark.after_reboot(2)
def test_leave_members():
    """Leave a set, and a line of fstab with the UUID of its filesystem."""
    members = Members(slots())
    members.make()
    members.mount()
    write_diary("begun")
    write_file("/var/lib/lvmtests-used", members.used)
    put(ORDERS[3], (0, 1, 2), members.used)
    write_file("/run/reboot", "")


@pytest.mark.after_reboot(3, 4, 5)
def test_members_in_other_slots():
    assert not os.path.exists("/etc/daxlineartab")
    wait_for(lambda: os.path.ismount(SET_FOLDER), "fstab's filesystem is not mounted")
    with open(DIARY, encoding="utf-8") as file:
        boot = file.read().count("\n") + 2
    assert run("findmnt", "-n", "-o", "SOURCE", SET_FOLDER) == "/dev/mapper/mem\n"
    found = {member["disk"]: member["number"] - 1 for member in ask("members")["members"]}
    assert tuple(found[one.path] for one in slots()) == ORDERS[boot]
    write_diary(f"boot {boot}")
    with open("/var/lib/lvmtests-used", encoding="utf-8") as file:
        used = int(file.read())
    if boot < 5:
        put(ORDERS[boot + 1], ORDERS[boot], used)
    else:
        # one is left out, and another is in its place
        run("umount", SET_FOLDER)
        daxlinear("remove", "mem")
        run("udevadm", "settle")
        with open(LEFT_OUT, "wb") as file:
            pickle.dump(labels.save(slots()[1]), file)
        slots()[1].wipe()
    write_file("/run/reboot", "")


def check_left_out():
    """Check that the missing member is named, and that nothing is mounted in its place."""
    wait_for(lambda: state(SERVICE) == "failed", "no unit has failed", within=60)
    run("journalctl", "--sync", check=False)
    status = run("systemctl", "status", "--full", "--lines=20", SERVICE, check=False)
    assert "mem (" in status and "is incomplete: member 3 " in status
    for slot, number in (0, 1), (2, 2):
        assert f"{slots()[slot].path} is member {number}" in status
    assert not os.path.exists("/dev/mapper/mem") and not os.path.ismount(SET_FOLDER)
    for one in slots():
        assert " TYPE=" not in run("blkid", "-p", one.path, f"{one.path}p1", check=False)
    assert run("findmnt", "-n", "-t", "xfs", check=False) == ""


TIMEOUT = "x-systemd.device-timeout=10s"

# What runs the tests in emergency mode, where no other unit of theirs is started.
EMERGENCY = """[Unit]
DefaultDependencies=no
After=emergency.target

[Service]
ExecStart=/guest/init
"""


@pytest.mark.after_reboot(6)
def test_member_left_out():
    # the boot went on
    assert state("local-fs.target") == "active"
    check_left_out()
    # and the same without nofail
    with open("/etc/fstab", encoding="utf-8") as file:
        lines = file.read()
    old = f" {SET_FOLDER} xfs dax=always,nofail\n"
    assert lines.count(old) == 1
    write_file("/etc/fstab", lines.replace(old, old.replace("nofail", TIMEOUT)))
    write_file("/etc/systemd/system/lvmtests-emergency.service", EMERGENCY)
    os.makedirs("/etc/systemd/system/emergency.target.wants")
    os.symlink("../lvmtests-emergency.service",
               "/etc/systemd/system/emergency.target.wants/lvmtests-emergency.service")
    write_file("/run/reboot", "")


@pytest.mark.after_reboot(7)
def test_member_left_out_without_nofail():
    # as of any filesystem in fstab that is not there
    wait_for(lambda: state("emergency.target") == "active", "there is no emergency mode")
    assert state("local-fs.target") == state("multi-user.target") == "inactive"
    run("journalctl", "--sync", check=False)
    journal = run("journalctl", "-b", "-o", "cat")
    assert "Timed out waiting for device" in journal
    assert re.search(f"Dependency failed for ({MOUNT}|{SET_FOLDER})", journal), journal
    check_left_out()
    assert SERVICE in run("systemctl", "--failed", "--no-legend", "--plain")
    # the member is put back, as it would be plugged in
    with open(LEFT_OUT, "rb") as file:
        labels.restore(slots()[1], pickle.load(file))
    disk = Unplugged(slots()[1])
    disk.unplug()
    disk.plug()
    wait_for(lambda: os.path.exists("/dev/mapper/mem"), "mem is not made")
    run("mount", SET_FOLDER)
    with open(DIARY, encoding="utf-8") as file:
        assert file.read() == "begun\nboot 3\nboot 4\nboot 5\n"
