# SPDX-License-Identifier: GPL-2.0
"""daxlinear repair: files, backups and filesystems that it refuses."""

import errno
import os

import pytest

from lib.command import CommandError, run
from lib.devices.unplug import Unplugged
from lib.module import HEAL
from lib.tool import strace
from lib.tool.repair import QUARANTINE, Scene, digest, repair
from lib.tool.tool import BAD_NAMES, FAILED, FOUND, USAGE, call, daxlinear, refused
from lib.units import MIB, PAGE, PAGE_SECTORS


def test_an_owner_that_cannot_be_written(clean):
    # the file stays bad until the other is done, and the same command ends what it began
    scene = Scene(clean)
    fs = scene.fs
    path, backup = scene.make("file", MIB)
    fs.clone("file", "other")
    scene.spoil("file", 5 * PAGE, PAGE_SECTORS)
    run("chattr", "+i", fs.path("other"))
    try:
        done = call("repair", scene.name, "--file", path, "--from", backup)
        assert done.code == FAILED and f"{fs.path('other')} at 0x5000" in done.err
        assert "immutable" in done.err
    finally:
        run("chattr", "-i", fs.path("other"))
    assert len(scene.quarantine()) == 1
    # the quarantine has it, and not alone
    assert "quarantined" not in daxlinear("damage", scene.name, code=FOUND)
    repair(scene, path, "--from", backup)
    assert len(scene.quarantine()) == 1
    assert digest(path) == digest(fs.path("other")) == digest(backup)
    scene.check_clean()


def test_without_reflink(clean):
    scene = Scene(clean, reflink=False)
    path, backup = scene.make("file", MIB)
    scene.spoil("file", 5 * PAGE)
    done = call("repair", scene.name, "--file", path, "--from", backup)
    assert done.code == FAILED and "this XFS has no reflink" in done.err
    assert not os.path.exists(scene.fs.path(QUARANTINE))
    with HEAL:
        assert "cleared in place" in repair(scene, path, "--from", backup)
    assert digest(path) == digest(backup)
    scene.check_clean()


def test_the_last_block(clean):
    # which the file does not fill: cleared on the device, while no other process has it open
    scene = Scene(clean, reflink=False)
    path, backup = scene.make("file", 100)
    scene.spoil("file", 0)
    clean.enter(HEAL)
    with open(path, "rb"):
        done = call("repair", scene.name, "--file", path, "--from", backup)
        assert done.code == FAILED and "no other process" in done.err
    assert "cleared in place" in repair(scene, path, "--from", backup)
    assert digest(path) == digest(backup) and os.stat(path).st_size == 100
    scene.check_clean()


def test_reserved(clean):
    # of a block that was never written no data is lost
    scene = Scene(clean)
    path = scene.fs.reserve("file", MIB)
    scene.spoil("file", 5 * PAGE)
    done = call("repair", scene.name, "--file", path, "--zero")
    assert done.code == FAILED and "no data is lost" in done.err
    with HEAL:
        repair(scene, path, "--zero")
    assert scene.fs.read("file", MIB) == bytes(MIB)
    scene.check_clean()


def test_a_backup_that_differs(clean):
    scene = Scene(clean)
    path, backup = scene.make("file", MIB)
    scene.spoil("file", 5 * PAGE, PAGE_SECTORS)
    good = scene.fs.read("file", 5 * PAGE)
    with open(backup, "r+b") as file:
        file.seek(MIB - 1)
        last = file.read(1)
        file.seek(MIB - 1)
        file.write(bytes([last[0] ^ 1]))
    assert f"at 0x{MIB - 1:x}, where nothing is bad" in refused(
        "repair", scene.name, "--file", path, "--from", backup)
    os.truncate(backup, MIB // 2)
    assert f"has {MIB // 2} bytes" in refused("repair", scene.name, "--file", path, "--from",
                                              backup)
    assert not os.path.exists(scene.fs.path(QUARANTINE))
    repair(scene, path, "--from", backup, "--force")
    assert scene.fs.read("file", 5 * PAGE) == good
    with open(backup, "rb") as file:
        assert scene.fs.read("file", MIB // 2) == file.read()
    # too short for what is bad
    scene.spoil("file", MIB - PAGE)
    assert "it ends before" in refused("repair", scene.name, "--file", path, "--from", backup,
                                       "--force")


def test_a_backup_that_is_bad(clean):
    # it shares the block; it is the file; it has a bad block elsewhere
    scene = Scene(clean)
    path, _ = scene.make("file", MIB)
    fs = scene.fs
    fs.clone("file", "snapshot")
    copy = fs.write("copy", fs.read("file", MIB))
    scene.spoil("file", 5 * PAGE)
    assert "can't be read at 0x5000" in refused("repair", scene.name, "--file", path, "--from",
                                                fs.path("snapshot"))
    assert "itself" in refused("repair", scene.name, "--file", path, "--from", path)
    scene.spoil("copy", 9 * PAGE)
    assert "can't be read at 0x9000" in refused("repair", scene.name, "--file", path, "--from",
                                                copy)
    repair(scene, path, "--from", copy, "--force")
    # on the same filesystem, the other way round
    repair(scene, copy, "--from", path)
    assert digest(copy) == digest(path) == digest(fs.path("snapshot"))
    scene.check_clean()


@pytest.mark.parametrize("what, text", [
    ("folder", "is no regular file"), ("link", "is no regular file"),
    ("fifo", "is no regular file"), ("missing", "No such file"), ("elsewhere", "is not on"),
    ("immutable", "chattr -i"), ("read-only", "mounted read-only")])
def test_no_file_to_repair(clean, what, text):
    scene = Scene(clean)
    path, backup = scene.make("file", MIB)
    scene.spoil("file", 5 * PAGE)
    given = scene.fs.path("given")
    if what == "folder":
        os.mkdir(given)
    elif what == "link":
        os.symlink(path, given)
    elif what == "fifo":
        os.mkfifo(given)
    elif what == "elsewhere":
        given = backup + "x"
        with open(given, "wb"):
            pass
    elif what in ("immutable", "read-only"):
        given = path
    if what == "immutable":
        run("chattr", "+i", path)
    if what == "read-only":
        run("mount", "-o", "remount,ro", scene.fs.folder)
    try:
        assert text in refused("repair", scene.name, "--file", given, "--from", backup)
    finally:
        if what == "immutable":
            run("chattr", "-i", path)
    assert not os.path.exists(scene.fs.path(QUARANTINE))


def test_swap(clean):
    scene = Scene(clean)
    path = scene.fs.write("swap", bytes(4 * MIB))
    run("mkswap", path)
    os.chmod(path, 0o600)
    try:
        run("swapon", path)
        swapped = True
    except CommandError:
        # XFS with DAX refuses it on some kernels
        swapped = False
    scene.spoil("swap", 5 * PAGE)
    try:
        done = call("repair", scene.name, "--file", path, "--zero")
        assert done.code == (FAILED if swapped else 0), swapped
        assert not swapped or "swapoff" in done.err
    finally:
        if swapped:
            run("swapoff", path)


def test_a_full_filesystem(clean):
    scene = Scene(clean)
    path, backup = scene.make("file", MIB)
    scene.spoil("file", 5 * PAGE)
    before = scene.fs.extents("file")
    number = 0
    size = 64 * MIB
    while size >= PAGE:
        try:
            scene.fs.reserve(f"full{number}", size)
            number += 1
        except OSError as error:
            assert error.errno == errno.ENOSPC
            size //= 2
    done = call("repair", scene.name, "--file", path, "--from", backup)
    if done.code:
        assert "is full" in done.err
        assert scene.fs.extents("file") == before
    for each in range(number):
        os.unlink(scene.fs.path(f"full{each}"))
    repair(scene, path, "--from", backup)
    assert digest(path) == digest(backup)
    scene.check_clean()


def test_no_room(clean):
    # for the folder, for the bad block's new name, and for the good block
    scene = Scene(clean)
    path, backup = scene.make("file", MIB)
    scene.spoil("file", 5 * PAGE)
    before = scene.fs.place("file", 5 * PAGE)
    for step in ("mkdirat", "linkat", "fallocate"):
        done = strace.fail_at(step, 1, "ENOSPC", "repair", scene.name, "--file", path, "--from",
                              backup)
        assert done.code == FAILED and "is full: make room" in done.err
        assert scene.fs.place("file", 5 * PAGE) == before
    repair(scene, path, "--from", backup)
    assert digest(path) == digest(backup) and len(scene.quarantine()) == 1
    scene.check_clean()


def test_shut_down(clean):
    scene = Scene(clean)
    path, backup = scene.make("file", MIB)
    scene.spoil("file", 5 * PAGE)
    run("xfs_io", "-x", "-c", "shutdown", scene.fs.folder)
    assert "XFS has shut down" in refused("repair", scene.name, "--file", path, "--from", backup)
    assert "XFS has shut down" in refused("repair", scene.name, "--free")
    done = call("repair", scene.name)
    assert done.code == FOUND and "XFS has shut down" in done.err


def test_a_child_that_is_gone(clean):
    scene = Scene(clean)
    path, backup = scene.make("file", MIB)
    # with a mapped file of it, 6.1 could not unmount
    scene.fs.unmount()
    with Unplugged(scene.children[1]):
        listed = call("repair", scene.name)
        assert listed.code == FOUND and "the child is gone; bring it back" in listed.out
        for words in (["--file", path, "--from", backup], ["--free"], ["--metadata", "--yes"]):
            assert "a child of" in refused("repair", scene.name, *words)
        scene.device.remove()


def test_a_folder_of_another_user(clean):
    scene = Scene(clean)
    path, backup = scene.make("file", MIB)
    scene.spoil("file", 5 * PAGE)
    folder = scene.fs.path(QUARANTINE)
    os.mkdir(folder)
    os.chown(folder, 1000, 1000)
    assert "is not root's" in refused("repair", scene.name, "--file", path, "--from", backup)
    os.rmdir(folder)
    os.symlink("/etc", folder)
    assert QUARANTINE in refused("repair", scene.name, "--file", path, "--from", backup)


@pytest.mark.parametrize("words, code, text", BAD_NAMES)
def test_bad_names(bed, words, code, text):
    assert bed.nvdimms
    assert text in refused("repair", *words, code=code)


@pytest.mark.parametrize("words, text", [
    (["--file", "/x"], "give --from BACKUP or --zero"),
    (["--file", "/x", "--from", "/y", "--zero"], "give --from BACKUP or --zero"),
    (["--from", "/y"], "belong to --file"), (["--zero"], "belong to --file"),
    (["--file", "/x", "--zero", "--force"], "--force belongs to --from"),
    (["--file", "/x", "--zero", "--metadata"], "give one of"),
    (["--free", "--metadata"], "give one of"),
    (["--file", "/x", "--zero", "--free"], "give one of"),
    (["--yes"], "--yes belongs to --metadata"),
    (["--file", "/x", "--file", "/y"], "give one --file"),
])
def test_bad_words(bed, words, text):
    assert bed.nvdimms
    assert text in refused("repair", "name", *words, code=USAGE)
