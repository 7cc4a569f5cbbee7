# SPDX-License-Identifier: GPL-2.0
"""daxlinear repair, while something else happens to the file, its backup or the memory."""

import os

import pytest

from lib.tool.monitor import Monitor, history, state
from lib.tool.repair import Scene, digest, records, repair
from lib.tool.strace import Stopped
from lib.tool.tool import FAILED, FOUND, call
from lib.units import MIB, PAGE, PAGE_SECTORS, SECTOR


def two_owners(scene):
    """Make a file with a bad page that another file shares; return path and backup."""
    path, backup = scene.make("file", MIB)
    scene.fs.clone("file", "other")
    scene.spoil("file", 5 * PAGE, PAGE_SECTORS)
    return path, backup


def stopped(scene, path, backup, step="fallocate"):
    """Repair a file, stopped when it is about to get a good block, or to write to it."""
    return Stopped(step, 1, "repair", scene.name, "--file", path, "--from", backup)


def copy_within(scene, backup):
    """Copy a backup to the filesystem that has the file."""
    with open(backup, "rb") as file:
        return scene.fs.write("copy", file.read())


def test_a_page_of_the_file_fails(clean):
    scene = Scene(clean)
    path, backup = two_owners(scene)
    with stopped(scene, path, backup) as running:
        scene.spoil("file", 200 * PAGE)
        done = running.end()
    assert done.code == FAILED and "can't be read at 0xc8000 any more" in done.err
    assert "run the command again" in done.err
    repair(scene, path, "--from", backup)
    assert digest(path) == digest(scene.fs.path("other")) == digest(backup)
    scene.check_clean()


def test_a_page_of_the_backup_fails(clean):
    # which is on the same filesystem, and not where the file is bad
    scene = Scene(clean)
    path, backup = two_owners(scene)
    copy = copy_within(scene, backup)
    with stopped(scene, path, copy) as running:
        scene.spoil("copy", 200 * PAGE)
        done = running.end()
    assert done.code == FAILED and f"{copy} can't be read at 0xc8000 any more" in done.err
    assert digest(path) == digest(scene.fs.path("other")) == digest(backup)
    repair(scene, copy, "--from", path)
    assert digest(copy) == digest(backup)
    scene.check_clean()


def test_a_page_that_is_needed_of_the_backup_fails(clean):
    # where the file is bad, after it was read: what was read is written
    scene = Scene(clean)
    path, backup = two_owners(scene)
    copy = copy_within(scene, backup)
    with stopped(scene, path, copy) as running:
        scene.spoil("copy", 5 * PAGE)
        done = running.end()
    assert done.code == FAILED
    assert digest(path) == digest(scene.fs.path("other")) == digest(backup)
    repair(scene, copy, "--from", path)
    scene.check_clean()


def test_the_good_block_fails(clean):
    # it is set aside, and the next run takes another one
    scene = Scene(clean)
    path, backup = two_owners(scene)
    with stopped(scene, path, backup, step="pwrite64") as running:
        places = [scene.fs.extents(file)[0][1] for file in running.files()
                  if scene.fs.extents(file)]
        assert places
        for place in places:
            child, at = scene.on_child(place)
            child.add_badblocks(at // SECTOR, PAGE_SECTORS)
        done = running.end()
    assert done.code == FAILED and "run the command again" in done.err
    assert not scene.fs.is_shut_down()
    repair(scene, path, "--from", backup)
    assert digest(path) == digest(scene.fs.path("other")) == digest(backup)


def test_a_page_in_quarantine_fails_again(clean):
    scene = Scene(clean)
    path, backup = two_owners(scene)
    repair(scene, path, "--from", backup)
    name, = (entry for entry in os.listdir(scene.fs.path(".daxlinear-quarantine"))
             if entry.startswith("block-"))
    kept = f".daxlinear-quarantine/{name}"
    scene.spoil("file", 9 * PAGE)
    with stopped(scene, path, backup) as running:
        child, at = scene.on_child(scene.fs.place(kept, 0))
        clean.probe.inject(child, at)
        assert running.end().code == 0
    assert digest(path) == digest(scene.fs.path("other")) == digest(backup)
    # its failure is no news: the quarantine alone has it
    assert call("repair", scene.name).code == 0
    repair(scene, path, "--from", backup)
    assert records(scene.children) == ["", ""]
    scene.check_clean()


@pytest.mark.parametrize("what", ["renamed", "unlinked", "replaced"])
def test_the_name_changes(clean, what):
    scene = Scene(clean)
    path, backup = two_owners(scene)
    link = scene.fs.path("link")
    os.link(path, link)
    with stopped(scene, path, backup) as running:
        if what == "renamed":
            os.rename(path, scene.fs.path("new"))
        elif what == "unlinked":
            os.unlink(path)
        else:
            other = scene.fs.write("new", b"x" * PAGE)
            os.rename(other, path)
        done = running.end()
    assert done.code == 0 and "renamed, replaced or deleted meanwhile" in done.err
    assert digest(link) == digest(scene.fs.path("other")) == digest(backup)
    if what == "replaced":
        assert scene.fs.read("file", 2 * PAGE) == b"x" * PAGE
    scene.check_clean()


def test_the_file_is_written_to(clean):
    # where it is bad: what another process has written stays
    scene = Scene(clean)
    path, backup = scene.make("file", MIB)
    scene.spoil("file", 5 * PAGE, PAGE_SECTORS)
    with Stopped("pwrite64", 1, "repair", scene.name, "--file", path, "--from", backup) as running:
        scene.fs.write("file", b"new", 9 * PAGE)
        done = running.end()
    assert done.code == FAILED and "another process writes to it" in done.err
    assert scene.fs.read("file", 3, 9 * PAGE) == b"new"


def test_a_longer_backup(clean):
    scene = Scene(clean)
    path, backup = two_owners(scene)
    wanted = digest(backup)
    with open(backup, "ab") as file:
        file.write(b"more")
    done = call("repair", scene.name, "--file", path, "--from", backup)
    assert done.code == FAILED and f"has {MIB + 4} bytes" in done.err and "--force" in done.err
    repair(scene, path, "--from", backup, "--force")
    assert digest(path) == wanted and os.stat(path).st_size == MIB
    scene.check_clean()


@pytest.mark.usefixtures("renewed")
def test_beside_the_monitor(clean):
    # which alerts of the failure, and not of the repair
    clean.enter(state())
    scene = Scene(clean)
    path, backup = scene.make("file", MIB)
    with Monitor() as monitor:
        scene.fail("file", 5 * PAGE)
        alert = monitor.line()
        assert (alert["event"], alert["result"]) == ("failure", "handled")
        assert call("repair", scene.name).code == FOUND
        repair(scene, path, "--from", backup)
        assert monitor.line(3) is None
        # the record has lost the page as if it were good, and the history keeps it
        assert [found["state"] for found in history()["ranges"]] == ["quarantined"]
        # the next failure is alerted of
        scene.fail("file", 9 * PAGE)
        assert monitor.line()["owners"][0]["path"] == path
        repair(scene, path, "--from", backup)
    assert digest(path) == digest(backup)
    scene.check_clean()
