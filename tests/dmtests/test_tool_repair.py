# SPDX-License-Identifier: GPL-2.0
"""daxlinear repair: bad blocks of files, with a platform that clears poison and without."""

import hashlib
import os
import struct

from lib.command import log
from lib.devices.badblocks import badblocks
from lib.fs.xfs import SMALLEST_GROUP
from lib.holders.victim import Victim
from lib.module import HEAL
from lib.tool.repair import HEALS, QUARANTINE, Scene, digest, records, repair
from lib.tool.tool import FOUND, daxlinear
from lib.units import MIB, PAGE, PAGE_SECTORS, SECTOR

# revision 2, effective: cap_net_raw
CAPABILITY = struct.pack("<5I", 0x02000001, 1 << 13, 0, 0, 0)


@HEALS
def test_how_it_is_shown(clean, heals):
    # twenty bad pages over two children, in a file that is reflinked twice
    scene = Scene(clean)
    fs = scene.fs
    path, backup = scene.make("file", 60 * MIB)
    for name in ("second", "third"):
        fs.clone("file", name)
    wanted = digest(backup)
    places = [number * 3 * MIB + 5 * PAGE for number in range(20)]
    # xfs_repair reads the head of a group in one piece
    places = [offset if fs.place("file", offset) % SMALLEST_GROUP >= MIB else offset + MIB
              for offset in places]
    bad = [scene.spoil("file", offset) if number % 4 else scene.fail("file", offset)
           for number, offset in enumerate(places)]
    assert {child.name for child, _ in bad} == {child.name for child in scene.children}
    listed = daxlinear("repair", scene.name, code=FOUND)
    assert listed.count("--file PATH --from BACKUP") == 60
    before = os.stat(path)
    extents = fs.extents("file")
    assert daxlinear("repair", scene.name, code=FOUND) == listed
    assert fs.extents("file") == extents and not os.path.exists(fs.path(QUARANTINE))

    if heals:
        with HEAL:
            done = daxlinear("repair", scene.name, "--file", path, "--from", backup)
    else:
        done = daxlinear("repair", scene.name, "--file", path, "--from", backup)
    for name in ("second", "third"):
        assert done.count(fs.path(name)) == 20
    for name in ("file", "second", "third"):
        assert digest(fs.path(name)) == wanted
    assert os.stat(path).st_mtime_ns == before.st_mtime_ns
    assert records(scene.children) == ["", ""]
    assert bool(scene.quarantine()) != heals
    for child, sector in bad:
        assert (sector in badblocks(child)) != heals
    scene.check_clean()
    for name in ("file", "second", "third"):
        assert digest(fs.path(name)) == wanted
    # nothing is left to do
    assert "no block of it is bad" in daxlinear("repair", scene.name, "--file", path, "--from",
                                                backup)


@HEALS
def test_in_one_file(clean, heals):
    # of which no block is shared: cleared in place, its extents stay
    scene = Scene(clean)
    fs = scene.fs
    path, backup = scene.make("file", 4 * MIB + 100)
    extents = fs.extents("file")
    # a sector, several pages, and the last one, which the file does not fill
    scene.spoil("file", 3 * PAGE + SECTOR)
    scene.spoil("file", 7 * PAGE, 3 * PAGE_SECTORS)
    scene.fail("file", 100 * PAGE)
    scene.spoil("file", 4 * MIB)
    if heals:
        clean.enter(HEAL)
    done = daxlinear("repair", scene.name, "--file", path, "--from", backup)
    assert digest(path) == digest(backup)
    assert done.count("cleared in place") == (6 if heals else 0)
    assert done.count("in quarantine") == (0 if heals else 6)
    if heals:
        assert fs.place("file", 0) == extents[0][1] and fs.place("file", MIB) == extents[0][1] + MIB
    log.info("%s", fs.extents("file"))
    scene.check_clean()
    assert digest(path) == digest(backup)


def test_zeros(clean):
    scene = Scene(clean)
    path, _ = scene.make("file", MIB)
    data = bytearray(scene.fs.read("file", MIB))
    scene.spoil("file", 9 * PAGE, PAGE_SECTORS)
    repair(scene, path, "--zero")
    data[9 * PAGE:10 * PAGE] = bytes(PAGE)
    assert scene.fs.read("file", MIB) == data
    scene.check_clean()


def test_what_stays(clean):
    # holes, attributes, modes and times of a file and of those that share its blocks
    scene = Scene(clean)
    fs = scene.fs
    path, backup = scene.make("file", MIB)
    for name in (path, backup):
        os.truncate(name, 8 * MIB)
        fd = os.open(name, os.O_RDWR)
        os.pwrite(fd, b"end", 8 * MIB - 3)
        os.fsync(fd)
        os.close(fd)
    fs.clone("file", "other")
    other = fs.path("other")
    os.setxattr(path, "user.colour", b"red")
    os.setxattr(path, "security.capability", CAPABILITY)
    os.chmod(path, 0o4755)
    for name in (path, other):
        os.utime(name, ns=(10 ** 18, 10 ** 18 + 5))
    scene.spoil("file", 3 * PAGE)
    attributes = {name: os.getxattr(path, name) for name in os.listxattr(path)}
    blocks = os.stat(path).st_blocks
    repair(scene, path, "--from", backup)
    assert {name: os.getxattr(path, name) for name in os.listxattr(path)} == attributes
    status = os.stat(path)
    assert (status.st_mode & 0o7777, status.st_blocks) == (0o4755, blocks)
    assert status.st_mtime_ns == os.stat(other).st_mtime_ns == 10 ** 18 + 5
    assert digest(path) == digest(other) == digest(backup)


def test_owners(clean):
    # one without a path, one with several, one that shares the block at another offset
    scene = Scene(clean)
    fs = scene.fs
    path, backup = scene.make("file", MIB)
    for name in ("gone", "linked"):
        fs.clone("file", name)
    fs.clone("file", "part", 4 * PAGE, 4 * PAGE)
    os.link(fs.path("linked"), fs.path("other name"))
    scene.spoil("file", 5 * PAGE, PAGE_SECTORS)
    with open(fs.path("gone"), "rb") as gone:
        os.unlink(fs.path("gone"))
        done = repair(scene, path, "--from", backup)
        assert "a file without a path" in done and f"{fs.path('part')} at 0x1000" in done
        assert hashlib.file_digest(gone, "sha256").hexdigest() == digest(backup)
    assert digest(fs.path("linked")) == digest(backup)
    assert fs.read("part", 4 * PAGE) == fs.read("file", 4 * PAGE, 4 * PAGE)
    scene.check_clean()


@HEALS
def test_after_a_mount(clean, heals):
    # 6.1 has no DAX for what it reads anew with the mark of reflink
    scene = Scene(clean)
    fs = scene.fs
    path, backup = scene.make("file", MIB + 7)
    fs.clone("file", "other")
    single, copy = scene.make("single", MIB)
    for name, offset in (("file", 5 * PAGE), ("file", MIB), ("single", 7 * PAGE)):
        scene.spoil(name, offset)
    fs.unmount()
    fs.mount()
    if heals:
        clean.enter(HEAL)
    repair(scene, path, "--from", backup)
    repair(scene, single, "--from", copy)
    for _ in range(2):
        assert digest(path) == digest(fs.path("other")) == digest(backup)
        assert digest(single) == digest(copy)
        scene.check_clean()
    assert sorted(os.listdir(fs.path(QUARANTINE)))[-1] == "index"


def test_in_use(clean):
    # mapped and open in other processes, which go on
    scene = Scene(clean)
    path, backup = scene.make("file", 4 * MIB)
    scene.spoil("file", 5 * PAGE, PAGE_SECTORS)
    with Victim(path, length=2 * MIB, offset=2 * MIB) as victim:
        repair(scene, path, "--from", backup)
        assert victim.lives()
    with Victim(path, length=4 * MIB) as victim:
        assert victim.lives()
    assert digest(path) == digest(backup)
