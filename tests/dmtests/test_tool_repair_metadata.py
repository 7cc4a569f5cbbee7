# SPDX-License-Identifier: GPL-2.0
"""daxlinear repair --metadata: bad blocks of what XFS keeps for itself."""

import os

from lib.command import run
from lib.fs.xfs import SMALLEST_GROUP
from lib.module import HEAL
from lib.tool.repair import HEALS, Scene, digest, repair
from lib.tool.tool import FAILED, call, refused
from lib.units import MIB, PAGE, SECTOR


def test_lost_folder(clean):
    # what was in it is in lost+found then
    scene = Scene(clean)
    fs = scene.fs
    os.mkdir(fs.path("folder"))
    # more than its inode has room for
    for number in range(40):
        fs.write(f"folder/a file with number {number}", b"x" * PAGE)
    os.sync()
    # "EXT: [offset..offset]: block..block ...", in sectors
    place = int(run("xfs_bmap", fs.path("folder")).split()[3].split(".")[0]) * SECTOR
    fs.unmount()
    child, at = scene.on_child(place)
    child.add_badblocks(at // SECTOR, 8)
    clean.enter(HEAL)
    done = call("repair", scene.name, "--metadata", "--yes")
    assert done.code == 0 and "files that lost their folders are in lost+found" in done.out
    fs.mount()
    assert len(os.listdir(fs.path("lost+found"))) == 40
    scene.check_clean()


@HEALS
def test_metadata(clean, heals):
    # the header of a group and a block of inodes are lost, and data of a file, which stays bad
    scene = Scene(clean)
    fs = scene.fs
    path, backup = scene.make("file", MIB)
    for number in range(40):
        fs.write(f"small{number}", b"x" * PAGE)
    place = fs.place("file", 3 * PAGE)
    assert "umount it first" in refused("repair", scene.name, "--metadata", "--yes")
    fs.unmount()
    group = SMALLEST_GROUP
    for byte in (group, place):
        child, at = scene.on_child(byte)
        child.add_badblocks(at // SECTOR, 8)
    done = call("repair", scene.name, "--metadata")
    assert done.code == FAILED and "give --yes" in done.err
    if not heals:
        done = call("repair", scene.name, "--metadata", "--yes")
        assert done.code == FAILED and "replace the memory" in done.err
        return
    clean.enter(HEAL)
    done = call("repair", scene.name, "--metadata", "--yes")
    assert done.code == 0, done
    assert f"0x{group:x}: cleared" in done.out and "data of a file, left as it is" in done.out
    fs.mount()
    repair(scene, path, "--from", backup)
    assert digest(path) == digest(backup)
    scene.check_clean()
