# SPDX-License-Identifier: GPL-2.0
"""XFS filesystems, and the failures of which XFS is notified."""

import errno
import fcntl
import os
import struct

from ..command import run
from ..holders.trace import Kprobe
from ..units import HUGE, PAGE

_FS_IOC_FIEMAP = 0xC020660B
_FICLONERANGE = 0x4020940D
_FIEMAP_SYNC = 1

# the smallest allocation group that the log fits into, which is a number of blocks
SMALLEST_GROUP = 4096 * PAGE


class Xfs:
    """A filesystem that is mounted with DAX for its `with` block.

    It may be smaller than XFS likes, so that a test needs no more pages than it spoils.
    """

    def __init__(self, device, folder, *, make=True, rmapbt=True, reflink=True,
                 agsize=None, size=None, stripe_huge=False, dax="always", options=()):
        self.device = device
        self.folder = folder
        self._options = ",".join([f"dax={dax}", *options])
        self._make = None
        self._mounted = False
        if make:
            data = [f"agsize={agsize}"] if agsize else []
            data += [f"size={size}"] if size else []
            data += [f"su={HUGE},sw=1"] if stripe_huge else ["noalign"]
            # with 64 bits for the number of a file's extents, the log that newer ones make does not
            # fit into an allocation group of 16 MiB
            self._make = ["mkfs.xfs", "-q", "-f", "--unsupported", "-b", f"size={PAGE}",
                          "-i", "nrext64=0",
                          "-m", f"rmapbt={int(rmapbt)},reflink={int(reflink)}",
                          "-d", ",".join(data), str(device)]

    def __enter__(self):
        if self._make:
            run(*self._make)
        self.mount()
        return self

    def __exit__(self, *_):
        self.unmount()

    def mount(self):
        """Mount it."""
        run("mount", "-t", "xfs", "-o", self._options, str(self.device), self.folder)
        self._mounted = True

    def unmount(self):
        """Unmount it, if it is mounted."""
        # not os.path.ismount(): it returns False if the filesystem is shut down
        if self._mounted:
            run("umount", self.folder)
            self._mounted = False

    def path(self, name):
        """Return the path of a file."""
        return os.path.join(self.folder, name)

    def write(self, name, data, offset=0):
        """Write to a file, made if need be, and wait until it is on the device."""
        fd = os.open(self.path(name), os.O_WRONLY | os.O_CREAT)
        try:
            os.pwrite(fd, data, offset)
            os.fsync(fd)
        finally:
            os.close(fd)
        return self.path(name)

    def read(self, name, length, offset=0):
        """Read from a file."""
        fd = os.open(self.path(name), os.O_RDONLY)
        try:
            return os.pread(fd, length, offset)
        finally:
            os.close(fd)

    def reserve(self, name, length):
        """Give a file blocks, without writing to them."""
        fd = os.open(self.path(name), os.O_WRONLY | os.O_CREAT)
        try:
            os.posix_fallocate(fd, 0, length)
            os.fsync(fd)
        finally:
            os.close(fd)
        return self.path(name)

    def clone(self, name, new, offset=0, length=0):
        """Make a file that shares all its blocks with another, or with a part of it."""
        with open(self.path(name), "rb") as old, open(self.path(new), "wb") as file:
            fcntl.ioctl(file.fileno(), _FICLONERANGE,
                        struct.pack("=qQQQ", old.fileno(), offset, length, 0))
            os.fsync(file.fileno())
        return self.path(new)

    def cow_size(self, name, size):
        """Have what is written over shared blocks of a file get blocks in pieces of a size."""
        run("xfs_io", "-c", f"cowextsize {size}", self.path(name))

    def extents(self, name):
        """Return (offset in the file, offset in the device, length) of each extent, in bytes."""
        header = struct.pack("=QQIIII", 0, (1 << 64) - 1, _FIEMAP_SYNC, 0, 500, 0)
        buffer = bytearray(header + bytes(500 * 56))
        with open(self.path(name), "rb") as file:
            fcntl.ioctl(file.fileno(), _FS_IOC_FIEMAP, buffer)
        mapped = struct.unpack_from("=I", buffer, 20)[0]
        return [struct.unpack_from("=QQQ", buffer, 32 + 56 * number) for number in range(mapped)]

    def find(self, name, place):
        """Return the offset in the file of a byte of the device, or None if it has it not."""
        for offset, first, length in self.extents(name):
            if first <= place < first + length:
                return offset + place - first
        return None

    def place(self, name, offset):
        """Return where a byte of a file is in the device."""
        for first, device, length in self.extents(name):
            if first <= offset < first + length:
                return device + offset - first
        raise LookupError(f"{name} has no block at {offset}")

    def is_shut_down(self):
        """Return whether the filesystem is shut down."""
        try:
            os.listdir(self.folder)
            with open(self.path(".alive"), "wb"):
                pass
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return True
        return False


class XfsFailures(Kprobe):
    """The failures of which XFS is notified in a `with` block."""

    def __init__(self):
        super().__init__("xfs:xfs_dax_notify_failure", dax_dev=None, off="u64", len="u64")

    def places(self) -> list:
        """Return the (offset, length) of each, in bytes of the device below XFS."""
        return [(int(call["off"]), int(call["len"])) for call in self.fields()]
