# SPDX-License-Identifier: GPL-2.0
"""The longest requests that there are, over a hundred seams each."""

import ctypes
import mmap
import os

import pytest

from lib.dm import seams
from lib.judge.neighbours import Layout, Volume, chance, shuffled
from lib.units import MIB, MIB_PAGES, PAGE

pytestmark = pytest.mark.large

# the most that a write() takes
WRITE_MAX = (1 << 31) - PAGE
# an unshare takes more
SIZE = (1 << 31) + 8 * MIB

_FALLOC_FL_UNSHARE_RANGE = 0x40
# the buffer is never written to, and takes no memory
_MAP_NORESERVE = 0x4000

_libc = ctypes.CDLL(None, use_errno=True)


def unshare(fd, length):
    """Unshare all blocks of a file."""
    if _libc.fallocate(fd, _FALLOC_FL_UNSHARE_RANGE, ctypes.c_long(0), ctypes.c_long(length)):
        raise OSError(ctypes.get_errno(), "fallocate")


class Pattern:
    """The content of the source."""

    def __init__(self, luck):
        self._bytes = luck.randbytes(8 * MIB)

    def write(self, fs, name):
        """Make a file of it."""
        fs.reserve(name, SIZE)
        fd = os.open(fs.path(name), os.O_WRONLY)
        try:
            for at in range(0, SIZE, len(self._bytes)):
                os.pwrite(fd, self._bytes, at)
        finally:
            os.close(fd)

    def at(self, offset, length):
        """Return the content at a place of the file."""
        start = offset % len(self._bytes)
        return (self._bytes * 2)[start:start + length]


class Patterned(Volume):
    """A volume with a file of the pattern."""

    def __init__(self, bed, ranges, pattern):
        super().__init__(bed, "daxlinear", ranges)
        self.pattern = pattern
        pattern.write(self.fs, "source")


def places(volume, *names):
    """Return the offsets in files of pages on both sides of each seam, and of a few others."""
    found = {0, SIZE - 2 * PAGE, *range(0, SIZE - 2 * PAGE, 61 * MIB)}
    for name in names:
        found |= {max(offset - PAGE, 0) for offset in volume.crossings(name).values()}
    return found


@pytest.fixture(name="volume")
def _volume(bed):
    luck = chance("large")
    layout = Layout(bed.nvdimms).add(0, 14 * MIB_PAGES + 7)
    for number in range(130):
        layout.add(number % 4, 15001 + 2 * luck.randrange(400), 1 + luck.randrange(4))
    bed.kmsg.expect_known()
    volume = Patterned(bed, shuffled(layout, luck).ranges, Pattern(luck))
    volume.fs.clone("source", "clone")
    assert len(volume.crossings("source")) > 20
    return volume


def test_longest_write(volume):
    fs, pattern, before = volume.fs, volume.pattern, seams.requests()
    first = 12345
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _MAP_NORESERVE
    with mmap.mmap(-1, WRITE_MAX, flags) as zeroes:
        fd = os.open(fs.path("clone"), os.O_WRONLY)
        try:
            assert os.pwrite(fd, zeroes, first) == WRITE_MAX
        finally:
            os.close(fd)
    assert seams.requests() > before
    for at in places(volume, "source", "clone") | {first - 100, first + WRITE_MAX - 100}:
        assert fs.read("source", 2 * PAGE, at) == pattern.at(at, 2 * PAGE)
        wanted = bytearray(pattern.at(at, 2 * PAGE))
        for byte in range(2 * PAGE):
            if first <= at + byte < first + WRITE_MAX:
                wanted[byte] = 0
        assert fs.read("clone", 2 * PAGE, at) == wanted
    assert not volume.neighbours.damage()


def test_longest_unshare(volume):
    # an extent at a time, and all of it by one address
    fs, pattern, before = volume.fs, volume.pattern, seams.requests()
    fd = os.open(fs.path("clone"), os.O_WRONLY)
    try:
        unshare(fd, SIZE)
    finally:
        os.close(fd)
    assert seams.requests() > before
    assert not {place for _, place, _ in fs.extents("clone")} & {
        place for _, place, _ in fs.extents("source")}
    for at in places(volume, "source", "clone"):
        for name in ("source", "clone"):
            assert fs.read(name, 2 * PAGE, at) == pattern.at(at, 2 * PAGE)
    assert not volume.neighbours.damage()
