# SPDX-License-Identifier: GPL-2.0
"""daxlinear mkfs and damage: paths of files by XFS's parent pointers, or by a walk."""

import json
import os
from contextlib import contextmanager

import pytest

from lib.command import run
from lib.fs.xfs import Xfs
from lib.kernel import HAS_PARENT_POINTERS, MAKES_PARENT_POINTERS
from lib.tool.tool import FOUND, ToolDevice, call, daxlinear, refused
from lib.units import KIB, MIB, PAGE, SECTOR

# where a kernel can mount them; elsewhere the files are found all the same
ASKED = ["--parent-pointers"] if HAS_PARENT_POINTERS else []


@contextmanager
def mounted(bed, *words):
    """Mount an XFS on a new device, made with these words; shared blocks cost a warning."""
    with ToolDevice(*bed.nvdimms[2:4]) as device:
        assert call("mkfs", device.name, *words, "--", "-mreflink=1").code == FOUND
        with Xfs(device, bed.folder(), make=False) as fs:
            yield fs


def has_pointers(fs):
    """Return whether the XFS has parent pointers."""
    return "parent=1" in run("xfs_info", fs.folder)


def spoil(fs, place):
    """Add a bad block to the child that has this place."""
    first = 256 * MIB
    child = fs.device.words[place >= first]
    child.add_badblocks((place - first if place >= first else place) // SECTOR, 1)


def damage(fs):
    """Return the paths at each bad place, and how often a folder of the filesystem was listed."""
    listing = os.path.join("/tmp", "listed")
    done = call("damage", "--json", fs.device.name, prefix=[
        "strace", "-f", "-qq", "-y", "-o", listing, "-e", "trace=getdents64"])
    assert done.code == FOUND
    with open(listing, encoding="utf-8") as file:
        listed = [line for line in file if f"<{fs.folder}" in line]
    os.unlink(listing)
    found = json.loads(done.out)["bad"]
    assert all(bad["owners_unknown"] is None for bad in found)
    return {bad["offset_bytes"]: sorted(owner["path"] or "" for owner in bad["owners"])
            for bad in found}, len(listed)


def test_every_kind(clean):
    with mounted(clean, *ASKED) as fs:
        assert has_pointers(fs) == HAS_PARENT_POINTERS
        deep = "/".join(f"folder {number}" for number in range(40))
        os.makedirs(fs.path(deep))
        for name in ("top", f"{deep}/file", "shared", "gone"):
            fs.write(name, os.urandom(MIB))
        fs.clone("shared", f"{deep}/clone")
        # more links than one request returns, each with the longest name
        names = [f"{number:0255d}" for number in range(20)]
        fs.write("linked", b"x" * MIB)
        for name in names:
            os.link(fs.path("linked"), fs.path(name))
        os.unlink(fs.path("linked"))
        os.sync()
        expected = {}
        for name, paths in (("top", ["top"]), (f"{deep}/file", [f"{deep}/file"]),
                            ("shared", ["shared", f"{deep}/clone"]), ("gone", None),
                            (names[0], names)):
            place = fs.place(name, 5 * PAGE)
            spoil(fs, place)
            expected[place] = paths and sorted(map(fs.path, paths))
        with open(fs.path("gone"), "rb"):
            os.unlink(fs.path("gone"))
            found, listed = damage(fs)
        assert found.keys() == expected.keys()
        for place, paths in expected.items():
            if paths is None:
                assert found[place] == [""]
            elif len(paths) == len(names):
                assert len(found[place]) == 1 and found[place][0] in paths
            else:
                assert found[place] == paths
        assert (listed == 0) == HAS_PARENT_POINTERS


def test_folders(clean):
    # blocks of the root and of another folder; what neither way finds costs a walk
    with mounted(clean, *ASKED) as fs:
        os.mkdir(fs.path("folder"))
        for folder in (".", "folder"):
            for number in range(200):
                with open(fs.path(f"{folder}/{number:0100d}"), "wb"):
                    pass
        os.sync()
        places = {}
        for folder in (".", "folder"):
            text = run("xfs_io", "-r", "-c", "bmap -v", fs.path(folder))
            # of "0: [0..7]: 96..103 0 (96..103) 8"
            first = int(next(line for line in text.splitlines() if ": [0.." in line)
                        .split(":")[2].split("..")[0])
            places[first * SECTOR] = [os.path.normpath(fs.path(folder))]
            spoil(fs, first * SECTOR)
        found, listed = damage(fs)
        assert found == places
        assert (listed == 0) == HAS_PARENT_POINTERS


@pytest.mark.parametrize("words", [[], ["--", "-n", "parent=0"], ["--parent-pointers"]])
def test_which_kernel(clean, words):
    # by itself only where the kernel has no warning; the user's option wins
    device = clean.enter(ToolDevice(*clean.nvdimms[2:4]))
    if words[:1] == ["--parent-pointers"] and not HAS_PARENT_POINTERS:
        assert "Linux 6.10 and later" in refused("mkfs", "--force", *words, device.name)
        return
    line = daxlinear("mkfs", "--dry-run", "--force", device.name, *words).split()
    made = MAKES_PARENT_POINTERS if not words else words[0] == "--parent-pointers"
    assert line.count("-nparent=1") == made
    if HAS_PARENT_POINTERS or not words:
        call("mkfs", "--force", device.name, *words)
        with Xfs(device, clean.folder(), make=False) as fs:
            assert has_pointers(fs) == made


def test_other_options_of_names(clean):
    device = clean.enter(ToolDevice(*clean.nvdimms[2:4]))
    call("mkfs", "--force", *ASKED, device.name, "--", "-n", f"size={16 * KIB}")
    with Xfs(device, clean.folder(), make=False) as fs:
        assert has_pointers(fs) == HAS_PARENT_POINTERS
        assert f"bsize={16 * KIB}" in run("xfs_info", fs.folder)
