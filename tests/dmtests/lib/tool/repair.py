# SPDX-License-Identifier: GPL-2.0
"""What daxlinear repair is tested with: an XFS with bad blocks, and its quarantine."""

import hashlib
import os
import tempfile

import pytest

from ..command import read_file, run
from ..devices.poison import poison_page
from ..dm.device import NamedDevice
from ..dm.target import DaxLinear
from ..fs.xfs import SMALLEST_GROUP, Xfs
from ..units import MIB, MIB_SECTORS, SECTOR
from .tool import ask, call, daxlinear

QUARANTINE = ".daxlinear-quarantine"

HEALS = pytest.mark.parametrize("heals", [False, True], ids=["stays bad", "is cleared"])

# the calls that change something, or that end a change
STEPS = "pwrite64,ioctl,fallocate,linkat,unlinkat,mkdirat,fsync,write,utimensat"


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


def repair(scene, path, *words, code=0):
    """Repair a file; return what the command printed."""
    return daxlinear("repair", scene.name, "--file", path, *words, code=code)


def steps(*words):
    """Run the command; return (call, its number among those of its name) of all that matter."""
    found = []
    with tempfile.NamedTemporaryFile("r") as file:
        done = call(*words, prefix=["strace", "-qq", "-e", f"trace={STEPS}", "-o", file.name])
        lines = [line for line in file if "(" in line]
    assert done.code == 0, done
    assert not any("FIFREEZE" in line for line in lines)
    names = [line.partition("(")[0] for line in lines]
    for at, name in enumerate(names):
        if name == "ioctl" and "FICLONE" not in lines[at] and "SETXATTR" not in lines[at]:
            continue
        if not lines[at].startswith("write(1,"):
            found.append((name, names[:at + 1].count(name)))
    return found
