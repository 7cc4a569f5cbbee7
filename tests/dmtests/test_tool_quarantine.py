# SPDX-License-Identifier: GPL-2.0
"""daxlinear damage: a block is set aside if the quarantine has it, whatever the history has."""

import os

import pytest

from lib.beside import wait_for
from lib.fs.xfs import SMALLEST_GROUP, Xfs
from lib.tool.monitor import HISTORY, Monitor, history, state
from lib.tool.repair import QUARANTINE, Scene, repair
from lib.tool.tool import FOUND, ask, call, daxlinear
from lib.units import MIB, PAGE, PAGE_SECTORS, SECTOR

pytestmark = pytest.mark.usefixtures("renewed")


def damage(scene, code):
    """Return (whether it is in quarantine, what it is known by, its owners) of the bad range."""
    (bad,) = ask("damage", scene.name, code=code)["bad"]
    return bad["quarantined"], bad["known_by"], [owner["what"] for owner in bad["owners"]]


def set_aside(scene):
    """Have a page fail and be put into quarantine, and the history have that."""
    path, backup = scene.make("file", MIB)
    with Monitor() as monitor:
        scene.fail("file", 5 * PAGE)
        assert monitor.line()["event"] == "failure"
        repair(scene, path, "--from", backup)
        wait_for(lambda: [found["state"] for found in history()["ranges"]] == ["quarantined"],
                 "it is not in the history")
    return path, backup


def failures(scene):
    """Return whether the check finds failures."""
    found = ask("check", scene.name, code=FOUND)["checks"]
    return not all(check["good"] for check in found if check["check"] == "failures")


def test_made_anew(clean):
    # the block is free space of the new filesystem, which may give it to a file
    clean.enter(state())
    scene = Scene(clean)
    set_aside(scene)
    assert damage(scene, code=0) == (True, "quarantined", ["data"])
    assert not failures(scene)
    scene.fs.unmount()
    # there is nothing but the history
    assert damage(scene, code=0) == (True, "quarantined", [])
    with Xfs(scene.device, scene.fs.folder, agsize=SMALLEST_GROUP):
        assert damage(scene, code=FOUND) == (False, "media, failure", ["free space"])
        assert failures(scene)
        assert "--free" in daxlinear("repair", scene.name, code=FOUND)
        daxlinear("repair", scene.name, "--free")
        assert damage(scene, code=0) == (True, "quarantined", ["data"])


def test_without_a_history(clean):
    # which was lost, or never was: the owner has it
    clean.enter(state())
    scene = Scene(clean)
    path, backup = set_aside(scene)
    os.unlink(HISTORY)
    assert damage(scene, code=0) == (True, "quarantined", ["data"])
    scene.fs.unmount()
    assert damage(scene, code=FOUND) == (False, "media", [])
    scene.fs.mount()
    assert damage(scene, code=0) == (True, "quarantined", ["data"])
    # one beside it, of a file: both are one range
    scene.spoil("file", 6 * PAGE, PAGE_SECTORS)
    assert damage(scene, code=FOUND) == (False, "media", ["data", "data"])
    repair(scene, path, "--from", backup)
    assert damage(scene, code=0) == (True, "quarantined", ["data", "data"])


def test_the_index(clean):
    # which is in the folder, and keeps no block.  With a bad one, a repair begins another.
    scene = Scene(clean)
    path, backup = scene.make("file", MIB)
    scene.spoil("file", 5 * PAGE)
    repair(scene, path, "--from", backup)
    index = f"{QUARANTINE}/index"
    scene.spoil(index, 0)
    listed = call("repair", scene.name)
    assert listed.code == FOUND and listed.out.count("--file PATH") == 1
    assert daxlinear("damage", scene.name, code=FOUND).count("quarantined") == 1
    scene.spoil("file", 9 * PAGE)
    repair(scene, path, "--from", backup)
    assert scene.fs.read(index, MIB).count(b" keeps ") == 1
    repair(scene, scene.fs.path(f"{index}-1"), "--zero")
    assert len(scene.quarantine()) == 3
    scene.check_clean()


def test_without_rmapbt(clean):
    # XFS knows what is free, and of no block whose it is: that is as the history has it
    clean.enter(state())
    scene = Scene(clean, rmapbt=False, reflink=False)
    scene.fs.reserve("file", 8 * MIB)
    place = scene.fs.place("file", 3 * MIB)
    with Monitor() as monitor:
        assert monitor.line()["check"] == "rmapbt"
        child, at = scene.on_child(place)
        child.add_badblocks(at // SECTOR, PAGE_SECTORS)
        clean.probe.inject(child, at)
        assert monitor.line()["sector"] == at // SECTOR
        os.unlink(scene.fs.path("file"))
        os.sync()
        assert damage(scene, code=FOUND) == (False, "media, failure", ["free space"])
        daxlinear("repair", scene.name, "--free")
        wait_for(lambda: [found["state"] for found in history()["ranges"]] == ["quarantined"],
                 "it is not in the history")
    assert damage(scene, code=0) == (True, "quarantined", ["unknown: XFS has no rmapbt"])
    scene.fs.unmount()
    with Xfs(scene.device, scene.fs.folder, agsize=SMALLEST_GROUP, rmapbt=False, reflink=False):
        assert damage(scene, code=FOUND) == (False, "media, failure", ["free space"])
