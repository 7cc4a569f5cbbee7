# SPDX-License-Identifier: GPL-2.0
"""daxlinear repair --free: bad blocks of free space are cleared, or kept in the quarantine."""

import os

import pytest

from lib.command import run
from lib.fs.xfs import SMALLEST_GROUP
from lib.module import HEAL
from lib.tool import strace
from lib.tool.repair import HEALS, QUARANTINE, Scene
from lib.tool.tool import FAILED, FOUND, call, daxlinear, refused
from lib.units import MIB, PAGE, SECTOR

NOTHING = "no block of free space is bad"


def spoil(scene, place):
    """Have a sector of a block of the device bad."""
    child, at = scene.on_child(place)
    child.add_badblocks(at // SECTOR + 1, 1)


def punch(fs, name, length, *offsets):
    """Free blocks of a file."""
    holes = [f"-c fpunch {offset} {length}" for offset in offsets]
    run("xfs_io", *holes, fs.path(name))
    os.sync()


class Free:
    """The blocks that are free, to see that a command gives back what it allocates."""

    def __init__(self, fs):
        self._fs = fs
        self._before = self._now()

    def _now(self):
        # XFS frees the blocks of a file without a name later, and a freeze waits for that
        run("xfs_freeze", "-f", self._fs.folder)
        run("xfs_freeze", "-u", self._fs.folder)
        return os.statvfs(self._fs.folder).f_bfree

    def lost(self):
        """Return how many blocks fewer are free."""
        return self._before - self._now()


def free_places(scene, last):
    """Have free blocks of each kind; return the places of those that are to be bad.

    `last` is whether the last block of the filesystem is one, which xfs_repair reads.
    """
    fs = scene.fs
    scene.make("holes", 2 * MIB)
    at = fs.place("holes", 0)
    # alone between blocks that are used, both ends of a hole, and its middle
    punch(fs, "holes", PAGE, 5 * PAGE)
    punch(fs, "holes", 30 * PAGE, 10 * PAGE)
    places = [at + number * PAGE for number in (5, 10, 25, 39)]
    for name in ("one", "two", "three"):
        fs.reserve(name, 16 * MIB)
        places += [fs.place(name, offset) for offset in (MIB, 5 * MIB, 16 * MIB - PAGE)]
    for name in ("one", "two", "three"):
        os.unlink(fs.path(name))
    os.sync()
    # groups in which no file has a block, and their last blocks
    for group in (5, 6, 7):
        start = group * SMALLEST_GROUP
        places += [start + MIB, start + 7 * MIB, start + SMALLEST_GROUP - 2 * PAGE]
    return sorted({*places, *([2 * scene.size - PAGE] if last else [])})


@HEALS
@pytest.mark.parametrize("stripe", [False, True], ids=["plain", "aligned"])
def test_free(clean, heals, stripe):
    scene = Scene(clean, size=64, stripe_huge=stripe)
    fs = scene.fs
    places = free_places(scene, last=heals)
    for place in places:
        spoil(scene, place)
    assert daxlinear("repair", scene.name, code=FOUND).count("--free") == len(places)
    free = Free(fs)
    if heals:
        clean.enter(HEAL)
    done = daxlinear("repair", scene.name, "--free")
    assert done.count("cleared" if heals else "in quarantine") == len(places)
    assert len(scene.quarantine()) == (0 if heals else len(places))
    assert sorted(os.listdir(fs.path(QUARANTINE))) == sorted(
        ["index", *(f"block-{place:x}" for place in places)] if not heals else [])
    assert 0 <= free.lost() - len(scene.quarantine()) < 40
    assert NOTHING in daxlinear("repair", scene.name, "--free")
    # all of the rest can be used, by inodes too
    for number in range(200):
        os.mkdir(fs.path(f"folder-{number}"))
    fs.reserve("all", 60 * MIB)
    with open(fs.path("all"), "r+b") as file:
        for _ in range(60):
            file.write(bytes(MIB))
        os.fsync(file.fileno())
    scene.check_clean()


def test_hints(clean):
    # the folder of the root has files get 2 MiB at once, and no less
    scene = Scene(clean)
    run("xfs_io", "-c", "extsize 2m", scene.fs.folder)
    scene.make("file", 8 * MIB)
    punch(scene.fs, "file", 4 * MIB, 2 * MIB)
    places = [scene.fs.place("file", 0) + 3 * MIB, 4 * SMALLEST_GROUP + 5 * MIB]
    for place in places:
        spoil(scene, place)
    free = Free(scene.fs)
    assert daxlinear("repair", scene.name, "--free").count("in quarantine") == 2
    assert free.lost() < 40
    scene.check_clean()


def test_without_reflink(clean):
    # no file can share a block: room is allocated
    scene = Scene(clean, reflink=False)
    scene.fs.reserve("one", 8 * MIB)
    place = scene.fs.place("one", 3 * MIB)
    os.unlink(scene.fs.path("one"))
    os.sync()
    spoil(scene, place)
    free = Free(scene.fs)
    assert "in quarantine" in daxlinear("repair", scene.name, "--free")
    assert free.lost() < 40
    scene.check_clean()


def test_not_reached(clean):
    # The block alone is free in its group, among those of a file that must not share them, and
    # hundreds like it are free in the group that XFS asks first.
    scene = Scene(clean, reflink=False)
    fs = scene.fs
    fs.reserve("file", 44 * MIB)
    first = min(place for _, place, _ in fs.extents("file"))
    group = 2 * SMALLEST_GROUP
    place = min(max(place, group) for _, place, length in fs.extents("file")
                if place + length > group)
    assert first < SMALLEST_GROUP
    offset = fs.find("file", first)
    punch(fs, "file", PAGE, *range(offset, offset + 600 * PAGE, 2 * PAGE), fs.find("file", place))
    spoil(scene, place)
    free = Free(fs)
    done = call("repair", scene.name, "--free")
    assert done.code == FAILED and "XFS did not hand it out" in done.err
    assert free.lost() < 40
    assert daxlinear("repair", scene.name, code=FOUND).count("--free") == 1


def test_killed(clean):
    scene = Scene(clean)
    fs = scene.fs
    scene.make("one", 8 * MIB)
    punch(fs, "one", 6 * MIB, MIB)
    spoil(scene, fs.place("one", 0) + 3 * MIB)
    free = Free(fs)
    for step, number in (("fallocate", 1), ("fallocate", 2), ("ftruncate", 1),
                         ("mkdirat", 1), ("write", 1), ("linkat", 1)):
        done = strace.kill_at(step, number, "repair", scene.name, "--free")
        assert done.code == -9, step
        assert not scene.quarantine()
    assert free.lost() < 40
    assert "in quarantine" in daxlinear("repair", scene.name, "--free")
    assert len(scene.quarantine()) == 1
    scene.check_clean()


def test_nothing(clean):
    scene = Scene(clean)
    assert NOTHING in daxlinear("repair", scene.name, "--free")
    scene.make("file", MIB)
    scene.spoil("file", 0)
    assert NOTHING in daxlinear("repair", scene.name, "--free")
    assert not os.path.exists(scene.fs.path(QUARANTINE))
    scene.fs.unmount()
    assert "it is not mounted" in refused("repair", scene.name, "--free")


def test_read_only(clean):
    scene = Scene(clean)
    spoil(scene, 4 * SMALLEST_GROUP + MIB)
    run("mount", "-o", "remount,ro", scene.fs.folder)
    assert "mount -o remount,rw" in refused("repair", scene.name, "--free")
    run("mount", "-o", "remount,rw", scene.fs.folder)
    assert "in quarantine" in daxlinear("repair", scene.name, "--free")
    scene.check_clean()
