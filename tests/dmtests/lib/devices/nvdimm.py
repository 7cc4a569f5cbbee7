# SPDX-License-Identifier: GPL-2.0
"""The NVDIMMs: their block devices, partitions, and places in memory."""

import contextlib
import ctypes
import fcntl
import glob
import os
import struct

from ..command import log, read_file, run, write_file
from ..units import PAGE, SECTOR


# Signatures of filesystems, partition tables, LVM and MD are within so much of either end.
_MARKED = 256 * 1024

_BLKZEROOUT = 0x127f

# of <linux/blkpg.h>
_BLKPG = 0x1269
_BLKPG_ADD_PARTITION = 1
_BLKPG_DEL_PARTITION = 2


def _partition(path, operation, number, start=0, sectors=0):
    data = ctypes.create_string_buffer(
        struct.pack("=qqi64s64s4x", start * SECTOR, sectors * SECTOR, number, b"", b""))
    argument = struct.pack("@iiiP", operation, 0, len(data), ctypes.addressof(data))
    with open(path, "rb") as device:
        fcntl.ioctl(device.fileno(), _BLKPG, argument)


def add_partition(path, number, start, sectors):
    """Add a partition, as addpart does; some guests have no addpart."""
    log.info("$ addpart %s %d %d %d", path, number, start, sectors)
    _partition(path, _BLKPG_ADD_PARTITION, number, start, sectors)


def delete_partition(path, number):
    """Remove a partition from the kernel."""
    log.info("$ delpart %s %d", path, number)
    _partition(path, _BLKPG_DEL_PARTITION, number)


class Child:
    """A block device that a table maps.

    `disk` is the whole device and `first_byte` where this one starts on it: failures count from
    the start of the disk's dax_device.
    """

    def __init__(self, name, disk=None, first_byte=0):
        self.name = name
        self.path = f"/dev/{name}"
        self.number = read_file(f"/sys/class/block/{name}/dev")
        self.sectors = int(read_file(f"/sys/class/block/{name}/size"))
        self.disk = disk or self
        self.first_byte = first_byte

    def __str__(self):
        return self.path

    def byte(self, sector):
        """Return where a sector is on the disk, in bytes."""
        return self.first_byte + sector * SECTOR


class Nvdimm(Child):
    """An NVDIMM in fsdax mode; `phys` is where its data is in memory."""

    def __init__(self, folder):
        # to be renewed when the test is over
        self.is_spoiled = False
        self._pfn_device = os.path.basename(folder)
        self.region = os.path.basename(os.path.dirname(folder))
        self.namespace = self.region.replace("region", "namespace") + ".0"
        self.phys = int(read_file(f"{folder}/resource"), 0)
        super().__init__(os.listdir(f"{folder}/block")[0])

    @contextlib.contextmanager
    def partition(self, start, sectors, number=1):
        """Yield a partition; it is added in the kernel, and no partition table is written."""
        add_partition(self.path, number, start, sectors)
        try:
            yield Child(f"{self.name}p{number}", self, start * SECTOR)
        finally:
            delete_partition(self.path, number)

    @contextlib.contextmanager
    def raw(self):
        """Yield the block device of the NVDIMM as it is in raw mode, which has no DAX."""
        run("ndctl", "create-namespace", "-f", "-e", self.namespace, "-m", "raw")
        try:
            yield f"/dev/{self.name}"
        finally:
            run("ndctl", "create-namespace", "-f", "-e", self.namespace, "-m", "fsdax",
                "-M", "mem")

    @contextlib.contextmanager
    def devdax(self):
        """Yield the character device of the NVDIMM as it is in devdax mode."""
        run("modprobe", "-a", "dax_pmem", "device_dax")
        run("ndctl", "create-namespace", "-f", "-e", self.namespace, "-m", "devdax", "-M", "mem")
        try:
            (path,) = glob.glob("/dev/dax*")
            yield path
        finally:
            run("ndctl", "create-namespace", "-f", "-e", self.namespace, "-m", "fsdax",
                "-M", "mem")

    def has_its_number(self):
        """Return whether the number is still that of its block device."""
        try:
            disk = os.readlink(f"/sys/dev/block/{self.number}")
        except FileNotFoundError:
            return False
        return os.path.basename(disk) == self.name

    def add_badblocks(self, sector, count):
        """Add sectors to its driver's bad blocks, until renew()."""
        write_file(f"/sys/block/{self.name}/badblocks", f"{sector} {count}")
        self.is_spoiled = True

    def renew(self):
        """Unbind and bind its driver: its struct pages and bad blocks are made anew."""
        driver = "/sys/bus/nd/drivers/nd_pmem"
        write_file(f"{driver}/unbind", self._pfn_device)
        write_file(f"{driver}/bind", self._pfn_device)

    def wipe(self, front=_MARKED):
        """Erase all signatures, so that the tool takes it for empty, and so much at the front."""
        log.info("$ wipefs -a %s", self.path)
        with open(self.path, "r+b") as device:
            end = device.seek(0, os.SEEK_END)
            # a tenth of what it takes through the page cache
            for start, length in (0, front), (end - _MARKED, _MARKED):
                fcntl.ioctl(device.fileno(), _BLKZEROOUT, struct.pack("=QQ", start, length))

    def pfns(self):
        """Return the frame numbers of its pages."""
        return range(self.pfn(0), self.pfn(self.sectors * SECTOR))

    def pfn(self, byte):
        """Return the frame number of the page of a byte."""
        return (self.phys + byte) // PAGE

    def holders(self):
        """Return the disks that are stacked on it or on a partition of it."""
        return [os.path.basename(path)
                for pattern in ("holders", f"{self.name}p*/holders")
                for path in glob.glob(f"/sys/block/{self.name}/{pattern}/*")]


def discover():
    """Return the NVDIMMs in fsdax mode, the smallest first."""
    # .../region0/pfn0.1/block/pmem0
    folders = [os.path.join("/sys/block", os.path.dirname(os.path.dirname(os.readlink(disk))))
               for disk in glob.glob("/sys/block/pmem*")]
    found = [Nvdimm(folder) for folder in folders if os.path.basename(folder).startswith("pfn")]
    return sorted(found, key=lambda nvdimm: (nvdimm.sectors, nvdimm.name))
