# SPDX-License-Identifier: GPL-2.0
"""A device with labels that takes what the disk of its last member has left."""

import os

import pytest

from lib.command import run
from lib.fs.xfs import Xfs
from lib.tool import labels
from lib.tool.monitor import state
from lib.tool.replace import content, fill
from lib.tool.steps import kill_at, steps_of
from lib.tool.tool import call, daxlinear, refused
from lib.units import MIB, MIB_SECTORS

PART = 64 * MIB


@pytest.fixture(name="kept")
def _kept(blank):
    """The bed, and a set whose last member has room left."""
    blank.enter(state("8m"))
    a, b = blank.nvdimms[:2]
    daxlinear("create", "mem", a, "--len", PART, b, "--len", PART, "--granule", PART)
    return blank


def whole(kept, table):
    """Assert that the set makes the device as it is, and after a reboot."""
    assert labels.table("mem") == table
    assert labels.state("mem") == "complete"
    daxlinear("remove", "mem")
    daxlinear("assemble", "mem")
    assert labels.table("mem") == table
    last = labels.members()[kept.nvdimms[1].path]
    assert last["last"] and last["number"] == 2


def test_all_of_it(kept):
    # with an XFS that is mounted, after a replace by a larger disk
    a, b, c, d = kept.nvdimms
    with Xfs("/dev/mapper/mem", kept.folder(), agsize=PART) as fs:
        fs.write("file", b"x" * MIB)
    assert "XFS that is not mounted" in refused("extend", "mem")
    out = daxlinear("replace", "--to-larger", "mem", b, c)
    assert f" MiB of {c} are unused: daxlinear extend mem takes them\n" in out
    with Xfs("/dev/mapper/mem", fs.folder, make=False):
        before = os.statvfs(fs.folder).f_blocks
        shown = daxlinear("extend", "--dry-run", "mem")
        assert "# the label of the last member is written by extend alone" in shown
        old = labels.table("mem")
        daxlinear("extend", "mem")
        assert os.statvfs(fs.folder).f_blocks > before
        # what is left is less than a group
        assert f"the last member of mem, {c}, has " in refused("extend", "mem")
        assert fs.read("file", MIB) == b"x" * MIB
        assert "the members of mem make it as it is" in call("check", "mem").out
    table = labels.table("mem")
    assert table != old and table.split()[3] == old.split()[3] == "2"
    daxlinear("remove", "mem")
    daxlinear("assemble", "mem")
    assert labels.table("mem") == table
    run("xfs_repair", "-n", "/dev/mapper/mem")
    # and more disks follow it
    daxlinear("extend", "--no-growfs", "mem", d)
    assert labels.members()[d.path]["number"] == 3 and a.path in labels.members()


def test_killed_at_each_step(kept):
    b = kept.nvdimms[1]
    data = fill("/dev/mapper/mem", 1, 2 * PART)
    old = labels.table("mem")
    label = labels.save(b)
    steps = steps_of("extend", "mem")
    new = labels.table("mem")
    whole(kept, new)
    assert steps.index("write") > steps.index("ioctl") and new != old
    seen = set()
    for number in range(1, len(steps) + 1):
        daxlinear("remove", "mem")
        labels.restore(b, label)
        daxlinear("assemble", "mem")
        assert labels.table("mem") == old
        kill_at(number, "extend", "mem")
        live = labels.table("mem")
        assert live in (old, new) and labels.state("mem") == "complete"
        longer = labels.members()[b.path]["length_bytes"] > PART
        seen.add((live == new, longer))
        if live == new and not longer:
            assert "daxlinear label mem makes them fit" in refused("extend", "mem")
            daxlinear("label", "mem")
        elif live == old:
            daxlinear("extend", "mem")
        whole(kept, new)
    assert seen >= {(False, False), (True, False)}
    assert content("/dev/mapper/mem", 2 * PART) == data


def test_what_is_in_the_way(kept):
    # a filesystem where it would grow, an option, and no room
    b = kept.nvdimms[1]
    table = labels.table("mem")
    at = labels.FRONT // MIB_SECTORS + PART // MIB
    run("mkfs.xfs", "-q", "-f", "--unsupported", "/dev/mapper/mem")
    # the start of it, which blkid knows it by
    with open("/dev/mapper/mem", "rb") as device:
        start = device.read(MIB)
    with open(b.path, "r+b") as disk:
        disk.seek(at * MIB)
        disk.write(start)
        os.fsync(disk.fileno())
    run("wipefs", "-a", "/dev/mapper/mem")
    found = refused("extend", "mem")
    assert "holds xfs from" in found and f"--offset {at * MIB} " in found
    run("blkdiscard", "--force", "--zeroout", "--offset", at * MIB, "--length", MIB, b.path)
    assert "--force" in refused("extend", "--force", "mem", code=2)
    assert 'no mapped device "what"' in refused("extend", "what")
    assert labels.table("mem") == table
    daxlinear("extend", "mem")
    assert "left, of which a multiple of" in refused("extend", "mem")
