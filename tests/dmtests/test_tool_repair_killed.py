# SPDX-License-Identifier: GPL-2.0
"""daxlinear repair, killed at each step."""

import errno
import os

from lib.module import HEAL
from lib.tool import strace
from lib.tool.repair import HEALS, QUARANTINE, Scene, call_json, digest, records, repair, steps
from lib.tool.tool import call
from lib.units import PAGE, PAGE_SECTORS


@HEALS
def test_killed(clean, heals):
    # at each step: the files are as they were or repaired, and the same command ends it
    scene = Scene(clean)
    fs = scene.fs
    if heals:
        clean.enter(HEAL)

    def spoil():
        path, backup = scene.make("file", 4 * PAGE)
        fs.clone("file", "other")
        scene.spoil("file", PAGE, PAGE_SECTORS)
        return path, ("repair", scene.name, "--file", path, "--from", backup), backup

    # the first one makes the folder
    repair(scene, spoil()[0], "--zero")
    found = steps(*spoil()[1])
    assert len(found) >= 15 and "ioctl" in dict(found)
    for step, number in found:
        path, words, backup = spoil()
        killed = strace.kill_at(step, number, *words)
        for name in (path, fs.path("other")):
            try:
                with open(name, "rb") as file:
                    file.seek(PAGE)
                    assert file.read(PAGE) == wanted_page(backup)
            except OSError as error:
                assert error.errno == errno.EIO
        again = call(*words)
        assert again.code == 0, again
        assert digest(path) == digest(fs.path("other")) == digest(backup)
        assert records(scene.children) == ["", ""]
        for bad in call_json("damage", scene.name)["bad"]:
            assert {owner["inode"] for owner in bad["owners"]} <= scene.quarantine(), bad
        assert not [entry for entry in os.listdir(fs.path(QUARANTINE))
                    if entry != "index" and not entry.startswith("block-")]
        assert killed.code, (step, number)
    scene.check_clean()


def wanted_page(backup):
    """Return the page of the backup that test_killed() has bad in the file."""
    with open(backup, "rb") as file:
        file.seek(PAGE)
        return file.read(PAGE)
