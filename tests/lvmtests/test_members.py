# SPDX-License-Identifier: GPL-2.0
"""Devices that are made as their last member appears, and mounted by fstab without a table."""

import contextlib
import fcntl
import os
import random

import pytest

from lib.beside import Beside, wait_for
from lib.command import run, write_file
from lib.devices import mce
from lib.devices.badblocks import Healed, badblocks
from lib.devices.moved import move
from lib.dm.ioctl import names
from lib.holders.taint import MACHINE_CHECK
from lib.module import HEAL
from lib.tool import labels
from lib.tool.members import FOLDER, MOUNT, SERVICE, Members, state
from lib.tool.tool import PROGRAM, call, daxlinear, refused
from lib.units import MIB

INCOMPLETE = 4
LOCK = "/run/daxlinear.lock"


@pytest.fixture(name="members")
def _members(bed):
    found = Members(bed.nvdimms[:3])
    try:
        found.make()
        yield found
    finally:
        found.undo()


@contextlib.contextmanager
def impatient():
    """Name missing members after a second, for a `with` block."""
    folder = "/run/systemd/system/daxlinear-members.timer.d"
    os.makedirs(folder)
    write_file(f"{folder}/soon.conf", "[Timer]\nOnActiveSec=\nOnActiveSec=1\n")
    run("systemctl", "daemon-reload")
    run("systemctl", "stop", "daxlinear-members.timer")
    try:
        yield
    finally:
        os.unlink(f"{folder}/soon.conf")
        os.rmdir(folder)
        run("systemctl", "daemon-reload")
        run("systemctl", "stop", "daxlinear-members.timer")
        run("systemctl", "reset-failed", SERVICE, check=False)


def report():
    """Return what the unit shows that names missing members."""
    return run("systemctl", "status", "--full", "--lines=20", SERVICE, check=False)


def appears():
    """Wait for the device, and until udev and the units of all members are done."""
    wait_for(lambda: os.path.exists("/dev/mapper/mem"), "mem is not made")
    run("udevadm", "settle")
    wait_for(lambda: "daxlinear-member@" not in run("systemctl", "list-jobs", "--no-legend"),
             "a unit does not end")


def content():
    """Return what is in the file of the filesystem."""
    with open(f"{FOLDER}/file", "rb") as file:
        return file.read()


def write(data):
    """Write the file."""
    with open(f"{FOLDER}/file", "wb") as file:
        file.write(data)


def test_names_permuted(members):
    data = os.urandom(4 * MIB)
    members.mount()
    write(data)
    chance = random.Random(1)
    orders = set()
    for _ in range(10):
        members.take_down()
        order = chance.sample(range(3), 3)
        move(members.nvdimms, order, members.used)
        members.unplug()
        members.plug(chance.sample(range(3), 3))
        appears()
        orders.add(run("dmsetup", "table", "mem"))
        members.mount()
        assert members.sources() == ["/dev/mapper/mem"] and content() == data
    assert len(orders) > 3


def test_nothing_on_the_members(members):
    members.take_down()
    members.unplug()
    # an incomplete set, with all that udev does about its members
    members.plug((0, 2))
    run("udevadm", "settle")
    for one in members.nvdimms[0], members.nvdimms[2]:
        for path in one.path, f"{one.path}p1":
            assert " TYPE=" not in run("blkid", "-p", path, check=False)
            links = run("udevadm", "info", "-q", "symlink", path)
            assert "by-uuid" not in links and "by-label" not in links
    assert run("blkid", "-c", "/dev/null", "-U", members.uuid, check=False) == ""
    assert not os.path.exists(f"/dev/disk/by-uuid/{members.uuid}")
    assert "can't find UUID" in run("mount", f"UUID={members.uuid}", FOLDER, check=False)
    members.plug()
    appears()
    assert os.path.realpath(f"/dev/disk/by-uuid/{members.uuid}") == os.path.realpath(
        "/dev/mapper/mem")


def test_missing_and_late(members):
    members.mount()
    write(b"late")
    members.take_down()
    first, _, third = members.nvdimms
    with impatient():
        members.unplug()
        members.plug((2, 0))
        # systemd waits for the filesystem to appear
        run("systemctl", "start", "--no-block", MOUNT)
        # it may have looked before the second disk was there, and then looks again
        wait_for(lambda: "is incomplete: member 2 is missing" in report(), report)
        # it ends after its message
        wait_for(lambda: state(SERVICE) == "failed", "the unit does not fail")
        status = report()
        assert f"{first.path} is member 1" in status and f"{third.path} is member 3" in status
        assert names() == [] and members.sources() == []
        for one in first, third:
            unit = f"daxlinear-member@{one.name}.service"
            wait_for(lambda unit=unit: state(unit) == "inactive", f"{unit} does not end")
        members.plug((1,))
        wait_for(members.sources, "it is not mounted")
        assert members.sources() == ["/dev/mapper/mem"] and content() == b"late"
        wait_for(lambda: state(SERVICE) == "inactive", "the unit still fails")


def test_removed_stays_removed(members):
    daxlinear("remove", "mem")
    # the kernel reads the partition table again
    for one in members.nvdimms:
        with open(one.path, "r+b"):
            pass
    run("udevadm", "settle")
    run("udevadm", "trigger", "--settle", "--subsystem-match=block")
    assert "mem" not in names()
    # but for a disk that appears
    members.unplug((1,))
    members.plug((1,))
    appears()


def test_doubled(members):
    """A copy of a member is refused by the unit of the disk that completes the set, and named."""
    daxlinear("remove", "mem")
    members.unplug((2,))
    first, second = members.nvdimms[:2]
    kept = labels.save(second)
    labels.restore(second, labels.save(first))
    members.plug((2,))
    unit = f"daxlinear-member@{members.nvdimms[2].name}.service"
    wait_for(lambda: state(unit) == "failed", "the unit does not fail")
    run("journalctl", "--sync")
    status = run("systemctl", "status", "--full", unit, check=False)
    assert "is doubled" in status and first.path in status and second.path in status
    assert "mem" not in names()
    labels.restore(second, kept)


def test_check(members):
    assert daxlinear("members", "--check") == ""
    daxlinear("remove", "mem")
    assert daxlinear("members", "--check") == ""
    members.unplug((0,))
    assert "is incomplete: member 1 is missing" in refused("members", "--check", code=INCOMPLETE)


def test_bad_page(bed, members):
    """A disk whose first page is bad when it appears completes the set by its second copy."""
    bed.may_taint(MACHINE_CHECK)
    members.take_down()
    one = members.nvdimms[1]
    with Healed(one):
        one.is_spoiled = True
        mce.check(one.phys)
        # the NVDIMM's driver keeps it for when it is bound again
        wait_for(lambda: badblocks(one), "there is no bad block")
        members.unplug()
        members.plug((2, 0, 1))
        appears()
        assert badblocks(one)
        line = f"{one.path}: the first copy of its partition table (GPT) is damaged"
        run("journalctl", "--sync")
        assert line in run("journalctl", "-b", "-u", f"daxlinear-member@{one.name}.service")
        members.mount()
        with HEAL:
            daxlinear("label", "mem")
        assert not badblocks(one) and call("members").err == ""
        members.take_down()
        members.unplug()
        members.plug()
        appears()
        assert call("members").err == ""


def test_beside_udev(bed):
    # udev opens each disk that was open for writing, and reads its partition table
    disks = bed.nvdimms[:3]
    for _ in range(30):
        daxlinear("create", "mem", *disks)
        daxlinear("rename", "mem", "new")
        daxlinear("label", "new")
        daxlinear("remove", "new")
        for one in disks:
            daxlinear("release", one)
    run("udevadm", "settle")
    assert names() == []
    for one in disks:
        assert not os.path.exists(f"/dev/{one.name}p1")
        assert run("wipefs", "-n", one.path) == ""


def waiting():
    """Return how many processes wait for the lock of changes."""
    inode = os.stat(LOCK).st_ino
    with open("/proc/locks", encoding="ascii") as file:
        return sum("-> FLOCK" in line and f":{inode} " in line for line in file)


@pytest.mark.parametrize("unit_first", [False, True])
def test_removed_beside_a_member_unit(members, unit_first):
    """A removal and the unit of a disk that has just appeared take turns, and neither fails."""
    unit = f"daxlinear-member@{members.nvdimms[0].name}.service"
    with open(LOCK, "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if unit_first:
            run("systemctl", "start", "--no-block", unit)
            wait_for(lambda: waiting() == 1, "the unit does not wait")
        with Beside(PROGRAM, "remove", "mem") as remove:
            wait_for(lambda: waiting() == 1 + unit_first, "the removal does not wait")
            if not unit_first:
                run("systemctl", "start", "--no-block", unit)
                wait_for(lambda: waiting() == 2, "the unit does not wait")
            fcntl.flock(lock, fcntl.LOCK_UN)
            remove.end()
    wait_for(lambda: state(unit) == "inactive",
             lambda: run("systemctl", "status", "--full", unit, check=False))
    # the unit may have made it again, and does not any more
    if "mem" in names():
        daxlinear("remove", "mem")
    run("udevadm", "settle")
    assert names() == []
    daxlinear("assemble", "mem")
