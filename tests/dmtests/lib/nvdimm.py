# SPDX-License-Identifier: GPL-2.0
"""The NVDIMMs: their block devices, partitions, and places in memory."""

import contextlib
import glob
import os

from .command import read_file, run, write_file
from .units import PAGE, SECTOR


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
        """Yield a partition; the kernel is told of it, nothing is written."""
        run("addpart", self.path, number, start, sectors)
        try:
            yield Child(f"{self.name}p{number}", self, start * SECTOR)
        finally:
            run("delpart", self.path, number)

    @contextlib.contextmanager
    def raw(self):
        """Yield the block device of the NVDIMM as it is in raw mode, which has no DAX."""
        run("ndctl", "create-namespace", "-f", "-e", self.namespace, "-m", "raw")
        try:
            yield f"/dev/{self.name}"
        finally:
            run("ndctl", "create-namespace", "-f", "-e", self.namespace, "-m", "fsdax",
                "-M", "mem")

    def add_badblocks(self, sector, count):
        """Have its driver believe that sectors are bad, until renew()."""
        write_file(f"/sys/block/{self.name}/badblocks", f"{sector} {count}")
        self.is_spoiled = True

    def renew(self):
        """Take it off its driver and give it back: with all that the kernel knows of its pages."""
        driver = "/sys/bus/nd/drivers/nd_pmem"
        write_file(f"{driver}/unbind", self._pfn_device)
        write_file(f"{driver}/bind", self._pfn_device)

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
    folders = glob.glob("/sys/bus/nd/devices/region*/pfn*")
    found = [Nvdimm(folder) for folder in folders if os.path.isdir(f"{folder}/block")]
    return sorted(found, key=lambda nvdimm: (nvdimm.sectors, nvdimm.name))
