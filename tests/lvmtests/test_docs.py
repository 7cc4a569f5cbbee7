# SPDX-License-Identifier: GPL-2.0
"""The commands of Documentation/lvm.rst, run as they are."""

import contextlib
import os
import re

import pytest

from lib.command import CommandError, run
from lib.devices import nvdimm
from lib.fs.xfs import Xfs
from lib.lvm.mounted import Mounted
from lib.lvm.volume import Group, Volume
from lib.module import TOP
from lib.tool.tool import FOUND, ask, refused
from lib.units import MIB, PAGE, PAGE_SECTORS, SECTOR

PMEMS = ["/dev/pmem0", "/dev/pmem1"]
SPARE = "/dev/pmem2"

# how many blocks of the page set up a group, and how many come before that which replaces a disk
SETUP = 5
REPLACE = 6


def blocks():
    """Return the literal blocks of the page."""
    with open(os.path.join(TOP, "Documentation/lvm.rst"), encoding="utf-8") as file:
        found = re.findall(r"::\n\n((?: {4}.*\n|\n)+)", file.read())
    return [re.sub(r"^ {4}", "", block, flags=re.MULTILINE).strip() for block in found]


@contextlib.contextmanager
def _made_by_hand(bed):
    """Remove in the end what the commands make."""
    try:
        yield
    finally:
        run("umount", "/srv/data", check=False)
        # lvcreate refuses to make a volume where it finds one
        run("wipefs", "-aq", "/dev/fast/data", check=False)
        run("vgremove", "-qq", "-ff", "--yes", "fast", check=False)
        run("pvremove", "-qq", *PMEMS, SPARE, check=False)
        run("rmdir", "/srv/data", check=False)
        for child in bed.nvdimms:
            if child.path in PMEMS:
                run("ndctl", "create-namespace", "-f", "-e", child.namespace, "-m", "fsdax",
                    "-M", "mem")
        bed.nvdimms = nvdimm.discover()
        run("udevadm", "settle")


def made(bed, commands):
    """Run the commands that make the group; return it."""
    # without signatures that LVM and XFS find
    run("wipefs", "-aq", *PMEMS, SPARE)
    bed.enter(_made_by_hand(bed))
    for command in commands:
        run("bash", "-exc", command)
    bed.nvdimms = nvdimm.discover()
    return Group("fast", *[child for child in bed.nvdimms if child.path in [*PMEMS, SPARE]])


def disks(volume):
    """Return the paths of the disks that a volume is on."""
    return {child.path for _, child, _ in volume.places()}


def test_commands(bed):
    group = made(bed, blocks()[:REPLACE])
    volume = Volume(group, "data")
    Volume(group, "log").check(bed)
    fs = Xfs(volume, "/srv/data", make=False)
    fs.reserve("most", 600 * MIB)
    with Mounted(volume, fs) as mounted:
        hit = {mounted.fail("most", segment.start, segment.end).path
               for segment in volume.segments()}
    assert hit == set(PMEMS)
    (found,) = ask("status", "fast-data")["devices"]
    assert sum(one["handled"] for one in found["attached"]) == 2
    owners = [bad["owners"] for bad in ask("damage", "fast-data", code=FOUND)["bad"]]
    assert [owner["path"] for (owner,) in owners] == ["/srv/data/most"] * 2


def volumes():
    """Return the volumes of the page, with where they are now."""
    group = Group("fast", *[child for child in nvdimm.discover() if child.path in [*PMEMS, SPARE]])
    return Volume(group, "data"), Volume(group, "log")


def offset_on(fs, volume, path):
    """Return an offset of a file from which on a MiB of it is on a disk."""
    for segment in volume.segments():
        if segment.place(segment.start)[0].path != path:
            continue
        for offset, place, length in fs.extents("most"):
            at = max(place, segment.start)
            if at + MIB <= min(place + length, segment.end):
                return offset + at - place
    raise LookupError(f"the file is not on {path}")


def test_replacing(bed):
    # a page is lost with the disk, and all else is as it was
    commands = blocks()
    assert len(commands) == REPLACE + 1
    made(bed, commands[:SETUP])
    data, log = volumes()
    fs = Xfs(data, "/srv/data", make=False)
    fs.reserve("most", 600 * MIB)
    assert disks(data) == disks(log) == set(PMEMS)
    text = os.urandom(MIB)
    offsets = [offset_on(fs, data, path) for path in PMEMS]
    for offset in offsets:
        fs.write("most", text, offset)
    child, byte = data.place(fs.place("most", offsets[1] + 5 * PAGE))
    assert child.path == PMEMS[1]
    child.add_badblocks(byte // SECTOR, PAGE_SECTORS)
    assert "ddrescue --idirect --force" in refused("replace", "fast/data", PMEMS[1], SPARE)
    # of the other disk: it can be moved neither in use nor when it is not active
    run("umount", "/srv/data")
    run("pvcreate", "-qq", SPARE)
    run("vgextend", "-qq", "fast", SPARE)
    for active in ("y", "n"):
        run("vgchange", "-qq", f"-a{active}", "fast")
        with pytest.raises(CommandError) as caught:
            run("pvmove", "-n", "data", PMEMS[0], SPARE)
        assert "Failed to suspend logical volume fast/data" in caught.value.output
    run("vgreduce", "-qq", "fast", SPARE)
    run("pvremove", "-qq", SPARE)
    run("vgchange", "-qq", "-ay", "fast")
    run("mount", "-o", "dax=always", data, "/srv/data")

    run("bash", "-exc", commands[REPLACE])
    data, log = volumes()
    assert disks(data) == disks(log) == {PMEMS[0], SPARE}
    assert fs.read("most", MIB, offsets[0]) == text
    expected = bytearray(text)
    expected[5 * PAGE:6 * PAGE] = bytes(PAGE)
    assert fs.read("most", MIB, offsets[1]) == expected
    run("umount", "/srv/data")
    for volume in (data, log):
        volume.check(bed)
