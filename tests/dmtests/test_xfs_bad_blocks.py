# SPDX-License-Identifier: GPL-2.0
"""What XFS and xfs_repair do about bad blocks, as Documentation/failures.rst has it."""

import errno
import os

import pytest

from lib.command import run
from lib.fs.xfs import SMALLEST_GROUP
from lib.tool.repair import Scene
from lib.units import KIB, MIB, PAGE, PAGE_SECTORS, SECTOR


def write_all(fs, name):
    """Write to all free space of a filesystem; return the error that ends it."""
    fd = os.open(fs.path(name), os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(fd, bytes(MIB))
    except OSError as error:
        return error.errno
    finally:
        os.close(fd)


def test_a_free_block(clean):
    # XFS zeroes it for the file that it gives it to, which fails, and shuts down
    scene = Scene(clean)
    fs = scene.fs
    fs.reserve("file", 8 * MIB)
    child, at = scene.on_child(fs.place("file", 4 * MIB))
    run("xfs_io", "-c", f"fpunch {2 * MIB} {4 * MIB}", fs.path("file"))
    os.sync()
    child.add_badblocks(at // SECTOR, PAGE_SECTORS)
    assert write_all(fs, "new") == errno.EIO
    assert fs.is_shut_down()
    fs.unmount()


@pytest.mark.parametrize("group, at, message", [
    (0, 512 * KIB - PAGE, "superblock read failed"), (0, 512 * KIB, None),
    (2, 128 * KIB - PAGE, "superblock read failed"), (2, 128 * KIB, None),
    (None, -PAGE, "data size check failed"), (None, -2 * PAGE, None)])
def test_xfs_repair(clean, group, at, message):
    # the head of a group is read in one piece, though little of it is in use; and the last block
    scene = Scene(clean)
    scene.fs.unmount()
    child, at = scene.on_child((2 * scene.size if group is None else group * SMALLEST_GROUP) + at)
    child.add_badblocks(at // SECTOR, PAGE_SECTORS)
    done = run("bash", "-c", f"xfs_repair -n {scene.device.path} 2>&1; echo code $?")
    assert (message or "code 0") in done and ("code 0" in done) == (not message)
