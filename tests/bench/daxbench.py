# SPDX-License-Identifier: GPL-2.0
"""The daxbench module: what lookups and failures cost, in the kernel itself."""

import array
import ctypes
import fcntl
import os
import struct


class _Pages(ctypes.Structure):
    """struct daxbench_pages"""

    _fields_ = [("fd", ctypes.c_int32), ("count", ctypes.c_uint32), ("first", ctypes.c_uint64),
                ("step", ctypes.c_uint64), ("samples", ctypes.c_uint64),
                ("list", ctypes.c_uint64)]


def _ioc(direction, number, size):
    return direction << 30 | size << 16 | ord("D") << 8 | number


_ACCESS = _ioc(1, 1, ctypes.sizeof(_Pages))
_FAIL = _ioc(1, 2, ctypes.sizeof(_Pages))
_HOLD = _ioc(1, 3, 4)
_ADDRESS = _ioc(1, 5, ctypes.sizeof(_Pages))
_GONE = _ioc(1, 6, ctypes.sizeof(_Pages))


class Bench:
    """An open /dev/daxbench; it holds devices until the end of the `with` block."""

    def __init__(self):
        self._fd = os.open("/dev/daxbench", os.O_RDWR | os.O_CLOEXEC)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self._fd)

    def _pages(self, command, path, first, step, count, listed=None):
        samples = array.array("I", bytes(4 * count))
        address = listed.buffer_info()[0] if listed else 0
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.ioctl(self._fd, command,
                        _Pages(fd, count, first, step, samples.buffer_info()[0], address))
        finally:
            os.close(fd)
        return samples

    def access(self, path, first, step, count):
        """Look up pages first, first + step, ... of a device; return the cost of each."""
        return self._pages(_ACCESS, path, first, step, count)

    def access_listed(self, path, pages):
        """Look up these pages of a device; return the cost of each."""
        return self._pages(_ACCESS, path, 0, 0, len(pages), array.array("Q", pages))

    def address(self, path, first, pages, count):
        """Look up one address of so many pages, count times; return the cost of each."""
        return self._pages(_ADDRESS, path, first, pages, count)

    def fail(self, path, first, step, count):
        """Fail pages; return the cost of each until a holder is notified, 0 if none is."""
        return self._pages(_FAIL, path, first, step, count)

    def gone(self, path):
        """Announce that a device goes away; return the cost until a holder is notified."""
        return self._pages(_GONE, path, 0, 0, 1)[0]

    def hold(self, path):
        """Register as the holder of a device."""
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.ioctl(self._fd, _HOLD, struct.pack("i", fd))
        finally:
            os.close(fd)
