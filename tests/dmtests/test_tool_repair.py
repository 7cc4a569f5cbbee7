# SPDX-License-Identifier: GPL-2.0
"""daxlinear repair: bad blocks of files, with a platform that clears poison and without."""

import contextlib
import errno
import hashlib
import os
import re
import shutil
import struct
import tempfile

import pytest

from lib.command import CommandError, log, read_file, run
from lib.devices.badblocks import badblocks
from lib.devices.poison import poison_page
from lib.dm.device import NamedDevice
from lib.dm.target import DaxLinear
from lib.fs.xfs import SMALLEST_GROUP, Xfs
from lib.holders.victim import Victim
from lib.module import HEAL, TOP
from lib.tool import strace
from lib.tool.tool import BAD_NAMES, FAILED, FOUND, PROGRAM, USAGE, ask, call, daxlinear, refused
from lib.units import MIB, MIB_SECTORS, PAGE, PAGE_SECTORS, SECTOR

QUARANTINE = ".daxlinear-quarantine"

# revision 2, effective: cap_net_raw
CAPABILITY = struct.pack("<5I", 0x02000001, 1 << 13, 0, 0, 0)

HEALS = pytest.mark.parametrize("heals", [False, True], ids=["stays bad", "is cleared"])


class Scene:
    """An XFS over two NVDIMMs, and files of it with bad pages."""

    def __init__(self, bed, size=48, name=None, folder=None, **options):
        self.bed = bed
        self.children = bed.nvdimms[1:3]
        self.size = size * MIB
        self.device = bed.enter(NamedDevice(DaxLinear.ranges(
            [(child, 2 * MIB_SECTORS, size * MIB_SECTORS) for child in self.children]), name=name))
        self.fs = bed.enter(Xfs(self.device, folder or bed.folder(), agsize=SMALLEST_GROUP,
                                **options))
        self.backups = bed.folder()
        # xfs_repair reads the first 512 KiB of a group in one piece
        self.fs.reserve("pad", MIB)

    @property
    def name(self):
        """Return the device's name."""
        return self.device.name

    def on_child(self, place):
        """Return the child of a place of the device, and the byte on it."""
        number, at = divmod(place, self.size)
        return self.children[number], at + 2 * MIB

    def spoil(self, name, offset, count=1):
        """Have sectors of a file bad; return the first one's (child, sector)."""
        child, at = self.on_child(self.fs.place(name, offset))
        child.add_badblocks(at // SECTOR, count)
        return child, at // SECTOR

    def fail(self, name, offset):
        """Have a page of a file fail, without an entry in the driver's list."""
        child, at = self.on_child(self.fs.place(name, offset))
        poison_page(child.pfn(at))
        return child, at // SECTOR

    def make(self, name, length):
        """Make a file of random data, and a backup of it."""
        data = os.urandom(length)
        self.fs.write(name, data)
        path = os.path.join(self.backups, name)
        with open(path, "wb") as file:
            file.write(data)
        return self.fs.path(name), path

    def quarantine(self):
        """Return the inodes of the quarantine's files that keep blocks."""
        folder = self.fs.path(QUARANTINE)
        if not os.path.exists(folder):
            return set()
        assert os.stat(folder).st_mode & 0o777 == 0o700
        assert "d" in run("lsattr", "-d", folder).split()[0]
        return {entry.inode() for entry in os.scandir(folder) if entry.name.startswith("block-")}

    def check_clean(self):
        """Assert that the filesystem is whole, and that no file but the quarantine's is bad."""
        kept = self.quarantine()
        for bad in call_json("damage", self.name)["bad"]:
            assert bad["owners"], bad
            assert {owner.get("inode") for owner in bad["owners"]} <= kept, bad
        assert call("repair", self.name).code == 0
        self.fs.unmount()
        run("xfs_repair", "-n", self.device.path)
        self.fs.mount()


def call_json(*words):
    """Return what a command prints that may exit with FOUND."""
    return ask(*words, code=call(*words, "--json").code)


def digest(path):
    """Return the checksum of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def records(children):
    """Return what the kernel has recorded as bad."""
    return [read_file(f"/sys/class/dax-holder/{child.name}/record") for child in children]


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


def repair(scene, path, *words, code=0):
    """Repair a file; return what the command printed."""
    return daxlinear("repair", scene.name, "--file", path, *words, code=code)


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


def test_shut_down(clean):
    scene = Scene(clean)
    path, backup = scene.make("file", MIB)
    scene.spoil("file", 5 * PAGE)
    run("xfs_io", "-x", "-c", "shutdown", scene.fs.folder)
    assert "XFS has shut down" in refused("repair", scene.name, "--file", path, "--from", backup)
    done = call("repair", scene.name)
    assert done.code == FOUND and "XFS has shut down" in done.err


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


# the calls that change something, or that end a change
STEPS = "pwrite64,ioctl,fallocate,linkat,unlinkat,mkdirat,fsync,write,utimensat"


def steps(*words):
    """Run the command; return (call, its number among those of its name) of all that matter."""
    found = []
    with tempfile.NamedTemporaryFile("r") as file:
        done = call(*words, prefix=["strace", "-qq", "-e", f"trace={STEPS}", "-o", file.name])
        lines = [line for line in file if "(" in line]
    assert done.code == 0, done
    names = [line.partition("(")[0] for line in lines]
    for at, name in enumerate(names):
        if name == "ioctl" and "FICLONE" not in lines[at] and "SETXATTR" not in lines[at]:
            continue
        if not lines[at].startswith("write(1,"):
            found.append((name, names[:at + 1].count(name)))
    return found


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
    (["--yes"], "--yes belongs to --metadata"),
    (["--file", "/x", "--file", "/y"], "give one --file"),
])
def test_bad_words(bed, words, text):
    assert bed.nvdimms
    assert text in refused("repair", "name", *words, code=USAGE)


@contextlib.contextmanager
def folders(*paths):
    """Have folders for a `with` block, as the page has them."""
    for path in paths:
        os.makedirs(path)
    try:
        yield
    finally:
        for path in paths:
            shutil.rmtree(path)


def console(page):
    """Return (command, what is printed) of each command of a page."""
    with open(os.path.join(TOP, "Documentation", page), encoding="utf-8") as file:
        blocks = re.findall(r"^\.\. code-block:: console\n\n((?:    .*\n)+)", file.read(),
                            re.MULTILINE)
    return [(command, lines.splitlines()) for block in blocks
            for command, lines in re.findall(r"    # (.*)\n((?:    [^#].*\n)*)", block)]


def test_the_page(clean):
    # the commands of Documentation/failures.rst, in their order
    clean.enter(folders("/mem", "/backup"))
    scene = Scene(clean, name="mem", folder="/mem")
    clean.enter(HEAL)
    path, backup = scene.make("ledger", MIB)
    shutil.copy(backup, "/backup")
    scene.spoil("ledger", 5 * PAGE, PAGE_SECTORS)
    commands = console("failures.rst")
    assert len(commands) >= 6
    for command, shown in commands:
        if command.startswith("umount"):
            child, at = scene.on_child(SMALLEST_GROUP)
            child.add_badblocks(at // SECTOR, 8)
        code = FOUND if (command, shown) == commands[0] else 0
        done = run("bash", "-c", f"PATH={os.path.dirname(PROGRAM)}:$PATH; {command}; echo code $?")
        assert f"code {code}\n" in done, command
        left = iter(done.splitlines())
        for line in shown:
            pattern = ".*".join(re.escape(part.strip()) for part in line.strip().split("..."))
            pattern = re.sub(r"(\\ )+", r"\\s+", pattern)
            assert any(re.search(pattern, other) for other in left), (command, line)
    assert digest(path) == digest(backup)
