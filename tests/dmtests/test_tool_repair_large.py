# SPDX-License-Identifier: GPL-2.0
"""daxlinear repair of a file of 600 MiB, which is repaired as one of a MiB is."""

import os

import pytest

from lib.command import log, run
from lib.dm.target import Linear
from lib.fs.xfs import SMALLEST_GROUP, Xfs
from lib.module import HEAL
from lib.tool.repair import HEALS, Scene, records, repair
from lib.tool.tool import FOUND, daxlinear
from lib.units import MIB, MIB_SECTORS, PAGE, PAGE_SECTORS

pytestmark = pytest.mark.roomy

SIZE = 600 * MIB
BAD = 20


def write(path, fill):
    """Write a file, piece by piece."""
    with open(path, "wb") as file:
        for _ in range(SIZE // MIB // 4):
            file.write(fill(4 * MIB))
        file.flush()
        os.fsync(file.fileno())


def checksum(path):
    """Return the sha256 of a file."""
    return run("sha256sum", path).split()[0]


@HEALS
def test_a_large_file(clean, heals):
    # twenty bad pages over two children, in a file that is reflinked twice
    scene = Scene(clean, size=400)
    fs = scene.fs
    last = scene.children[1]
    beside = clean.named_device(Linear(840 * MIB_SECTORS, last, 420 * MIB_SECTORS))
    backups = clean.enter(Xfs(beside, clean.folder(), reflink=False))
    backup, path = backups.path("file"), fs.path("file")
    write(backup, os.urandom)
    run("cp", backup, path)
    run("sync", "-f", path)
    for name in ("second", "third"):
        fs.clone("file", name)
    wanted = checksum(backup)
    places = [number * 29 * MIB + 5 * PAGE for number in range(BAD)]
    # xfs_repair reads the head of a group in one piece
    places = [offset if fs.place("file", offset) % SMALLEST_GROUP >= MIB else offset + MIB
              for offset in places]
    bad = [scene.spoil("file", offset, PAGE_SECTORS) if number % 4 else scene.fail("file", offset)
           for number, offset in enumerate(places)]
    assert {child.name for child, _ in bad} == {child.name for child in scene.children}
    listed = daxlinear("repair", scene.name, code=FOUND)
    assert listed.count("--file PATH --from BACKUP") == 3 * BAD
    if heals:
        clean.enter(HEAL)
    done = repair(scene, path, "--from", backup)
    log.info("%s", done)
    for name in ("second", "third"):
        assert done.count(fs.path(name)) == BAD
    assert records(scene.children) == ["", ""]
    assert len(scene.quarantine()) == (0 if heals else BAD)
    scene.check_clean()
    for name in ("file", "second", "third"):
        assert checksum(fs.path(name)) == wanted
