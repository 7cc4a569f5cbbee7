# SPDX-License-Identifier: GPL-2.0
"""A set of members that is made a device and mounted without a table."""

import os

from ..beside import wait_for
from ..command import run, write_file
from ..devices.unplug import Unplugged
from ..dm.ioctl import names
from ..units import MIB, SECTOR
from .tool import call, daxlinear

LENGTH = 32 * MIB
FOLDER = "/srv/mem"
MOUNT = "srv-mem.mount"
# what names missing members
SERVICE = "daxlinear-members.service"


def state(unit):
    """Return the state of a unit."""
    return run("systemctl", "show", "--value", "-p", "ActiveState", unit).strip()


class Members:
    """A set over three NVDIMMs, and a line of fstab that mounts the XFS on it by its UUID."""

    def __init__(self, nvdimms):
        self.nvdimms = nvdimms
        self.unplugged = [Unplugged(one) for one in nvdimms]
        self.used = self.uuid = None
        with open("/etc/fstab", encoding="utf-8") as file:
            self._fstab = file.read()

    def make(self):
        """Make the device, the XFS and the line."""
        words = [word for one in self.nvdimms for word in (one, "--len", LENGTH)]
        daxlinear("create", "mem", *words, "--granule", LENGTH)
        self.used = self._used()
        run("mkfs.xfs", "-q", "-f", "-m", "rmapbt=1,reflink=0", "--unsupported", "/dev/mapper/mem")
        self.uuid = run("blkid", "-o", "value", "-s", "UUID", "/dev/mapper/mem").strip()
        os.makedirs(FOLDER, exist_ok=True)
        write_file("/etc/fstab", f"{self._fstab}UUID={self.uuid} {FOLDER} xfs dax=always,nofail\n")
        run("systemctl", "daemon-reload")

    def _used(self):
        """Return where the data ends on each disk."""
        (line,) = run("dmsetup", "table", "mem").splitlines()
        words = line.split()[4:]
        ends = {int(words[i + 1]) + int(words[i + 2]) for i in range(0, 9, 3)}
        return max(ends) * SECTOR

    def undo(self):
        """Leave no label and no line."""
        run("umount", FOLDER, check=False)
        write_file("/etc/fstab", self._fstab)
        run("systemctl", "daemon-reload")
        self.plug()
        wait_for(self._release_first, "the first member cannot be released")
        for one in self.nvdimms[1:]:
            daxlinear("release", one)
        run("udevadm", "settle")

    def _release_first(self):
        """Release the first member; return whether it went well.  The device may still be made."""
        if "mem" in names():
            daxlinear("remove", "mem")
        return call("release", self.nvdimms[0]).code == 0

    def take_down(self):
        """Unmount it and remove the device."""
        run("umount", FOLDER, check=False)
        daxlinear("remove", "mem")

    def unplug(self, which=(0, 1, 2)):
        """Take NVDIMMs away."""
        for number in which:
            self.unplugged[number].unplug()

    def plug(self, which=(0, 1, 2)):
        """Put NVDIMMs back, in this order."""
        for number in which:
            self.unplugged[number].plug()

    @staticmethod
    def mount():
        """Mount it, as fstab says."""
        run("mount", FOLDER)

    @staticmethod
    def sources():
        """Return what is mounted on the folder."""
        return run("findmnt", "-n", "-o", "SOURCE", FOLDER, check=False).split()
