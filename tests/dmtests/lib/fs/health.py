# SPDX-License-Identifier: GPL-2.0
"""XFS's health monitor: the events that a program reads of a mounted filesystem."""

import fcntl
import os
import struct
from collections import namedtuple

from ..units import PAGE

# XFS_IOC_HEALTH_MONITOR of xfs_fs.h
_MONITOR = 0x40205844
# flags, format (0 is the first one), zeroes
_REQUEST = struct.pack("=QB23x", 0, 0)
# domain, type, nanoseconds since 1970; then fields that depend on these two, and zeroes
_HEAD = struct.Struct("=IIQ")
_EVENT_BYTES = 64

Running = namedtuple("Running", "")
Unmount = namedtuple("Unmount", "")
MediaError = namedtuple("MediaError", "sector sectors")
DataLost = namedtuple("DataLost", "offset length inode")

# domains
_MOUNT, _DATA_DEVICE, _FILE_RANGE = 0, 5, 8

# the events that tests read, by (domain, type), and their fields after the head
_EVENTS = {
    (_MOUNT, 0): (Running, struct.Struct("")),
    (_MOUNT, 2): (Unmount, struct.Struct("")),
    (_DATA_DEVICE, 7): (MediaError, struct.Struct("=QQ")),
    (_FILE_RANGE, 12): (DataLost, struct.Struct("=QQQ")),
}


class HealthMonitor:
    """The events of a mounted filesystem in a `with` block; a filesystem has one monitor at most.

    Raises an OSError with ENOTTY if the kernel's XFS has no health monitor.
    """

    def __init__(self, folder):
        # only the filesystem's root is taken
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            # for a bytearray, unlike bytes, ioctl() returns what the kernel does: a file descriptor
            self._fd = fcntl.ioctl(fd, _MONITOR, bytearray(_REQUEST))
        finally:
            os.close(fd)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self._fd)

    def events(self):
        """Return all events of a filesystem that is unmounted by now, in the monitor's order."""
        found = []
        # once the filesystem is unmounted, a read returns nothing instead of waiting for an event
        while data := os.read(self._fd, PAGE):
            for at in range(0, len(data), _EVENT_BYTES):
                domain, kind, _ = _HEAD.unpack_from(data, at)
                event, fields = _EVENTS[domain, kind]
                found.append(event(*fields.unpack_from(data, at + _HEAD.size)))
        return found
