# SPDX-License-Identifier: GPL-2.0
"""daxlinear repair and drill of logical volumes."""

import os

import pytest

from lib.fs.xfs import SMALLEST_GROUP, Xfs
from lib.lvm.volume import Group
from lib.module import HEAL
from lib.tool.tool import FAILED, FOUND, ask, call, daxlinear
from lib.units import MIB, PAGE, SECTOR


@pytest.mark.parametrize("segments", [[], ["-i", "2"]], ids=["linear", "striped"])
def test_files(bed, segments):
    # a block of each of two files is bad: one is cleared in place, one is put into quarantine
    group = bed.enter(Group("vg", *bed.nvdimms[:2]))
    volume = group.create("data", "-L", "128M", *segments)
    fs = bed.enter(Xfs(volume, bed.folder(), agsize=SMALLEST_GROUP))
    data = {name: os.urandom(4 * MIB) for name in ("one", "two")}
    backups = bed.folder()
    for name, text in data.items():
        fs.write(name, text)
        with open(os.path.join(backups, name), "wb") as file:
            file.write(text)
        child, byte = volume.place(fs.place(name, 37 * PAGE))
        child.add_badblocks(byte // SECTOR, 8)
    assert daxlinear("repair", "vg/data", code=FOUND).count("--file PATH") == 2
    for name, text in data.items():
        words = ("repair", "vg/data", "--file", fs.path(name), "--from",
                 os.path.join(backups, name))
        if name == "one":
            with HEAL:
                assert "cleared in place" in daxlinear(*words)
        else:
            assert "in quarantine" in daxlinear(*words)
        assert fs.read(name, 4 * MIB) == text
    assert "it is in quarantine" in daxlinear("repair", "vg/data")


@pytest.mark.parametrize("segments", [[], ["-i", "2"]], ids=["linear", "striped"])
def test_drill(bed, segments):
    # of an attached volume; while a block is bad it is refused
    group = bed.enter(Group("vg", *bed.nvdimms[:2]))
    for child in group.children:
        child.is_spoiled = True
    volume = group.create("data", "-L", "128M", *segments)
    fs = bed.enter(Xfs(volume, bed.folder(), agsize=SMALLEST_GROUP))
    done = ask("drill", "vg/data", "--yes")
    assert done["good"] and len(done["steps"]) == 9
    assert "it is in quarantine" in daxlinear("repair", "vg/data")
    fs.write("file", b"x" * MIB)
    child, byte = volume.place(fs.place("file", 5 * PAGE))
    child.add_badblocks(byte // SECTOR, 8)
    refused = call("drill", "vg/data", "--yes")
    assert refused.code == FAILED and "repair it first" in refused.err
