# SPDX-License-Identifier: GPL-2.0
"""Counts of accesses over tables of all geometries, to the same pages over each stack.

All tables map the same memory at the same place, so one filesystem, which is made on the NVDIMM, is
mounted over each of them.
"""

import array
import contextlib
import itertools
import random
import tempfile
from collections import namedtuple

from count import count, instructions
from daxbench import Bench
from geometry import FS_PAGES, LONG, SPARE
from places import LOOKUPS, Places
from stacks import DAXLINEAR, LINEAR, RAW, device
from uses import Use, make_file

from lib.fs.xfs import Xfs
from lib.units import PAGE, PAGE_SECTORS

ACCESS, ENDS, DEAREST = "direct_access", "direct_access at the ends", "dearest {}"
FILE_USES = tuple(Use(f"4 KiB {what}", verb, PAGE, 0, 0) for what, verb in (
    ("read fault", "read-fault"), ("write fault", "write-fault"),
    ("read()", "read"), ("write()", "write")))
DIRECT_READ = Use("4 KiB O_DIRECT read", "read", PAGE, 0, 0)
DIRECT_WRITE = Use("4 KiB O_DIRECT write", "write", PAGE, 0, 0)
WHATS = (ACCESS, ENDS, *[use.what for use in (*FILE_USES, DIRECT_READ, DIRECT_WRITE)])

# pages of each use
SAMPLES = 256

# a file's first page in the device, and how many it has
_File = namedtuple("_File", "path first pages")
_FILE_MIB = 420


def listed(path, use, pages, *options):
    """Return the cost of a use of each of these pages of a file or a device."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(array.array("Q", [page * PAGE for page in pages]).tobytes())
        file.flush()
        return count(*options, "-l", file.name, use.verb, len(pages), use.size, path)


def _in_files(use, files, pages):
    samples = []
    for file in files:
        here = [page - file.first for page in pages
                if file.first <= page < file.first + file.pages]
        if here:
            samples += listed(file.path, use, here)
    assert len(samples) == len(pages)
    return samples


def _counted(path, files, places):
    """Yield each use of a device and of the files on it, and its samples."""
    anywhere = places.anywhere(SAMPLES)
    in_files = places.within([(file.first, file.first + file.pages) for file in files], SAMPLES)
    with Bench() as bench:
        yield ACCESS, bench.access_listed(path, places.anywhere(LOOKUPS))
        yield ENDS, bench.access_listed(path, places.ends)
    for use in FILE_USES:
        yield use.what, _in_files(use, files, in_files)
    yield DIRECT_READ.what, listed(path, DIRECT_READ, anywhere, "-d")
    # what lies elsewhere may be the filesystem's own
    yield DIRECT_WRITE.what, listed(path, DIRECT_WRITE, in_files, "-d")


def rows_of(stack, geometry, counted):
    """Return two rows for each use: the mean and the dearest."""
    number = 0 if stack == RAW else len(geometry.lengths)
    rows = []
    for what, samples in counted:
        for name, value in ((what, sum(samples) / len(samples)),
                            (DEAREST.format(what), max(samples))):
            rows.append(instructions(name, stack, number, value, table=geometry.name))
    return rows


def ranges_of(child, lengths):
    """Return ranges of so many pages, that lie one after the other."""
    starts = itertools.accumulate(lengths, initial=0)
    return [(child, start * PAGE_SECTORS, length * PAGE_SECTORS)
            for start, length in zip(starts, lengths)]


@contextlib.contextmanager
def _wide(child):
    """Yield the path of a device of a terabyte and more, which repeats the child's first pages.

    It has one target: to unmount flushes each target of it for each target above.
    """
    whole = FS_PAGES + SPARE
    with device(DAXLINEAR, [(child, 0, whole * PAGE_SECTORS)] * (LONG // whole + 2)) as path:
        yield path


@contextlib.contextmanager
def _mounted(path, **options):
    """Yield an XFS; with atimes, the cost of a read would depend on when the last one was."""
    with (tempfile.TemporaryDirectory(dir="/run") as folder,
          Xfs(path, folder, options=["noatime"], **options) as xfs):
        yield xfs


def _file(xfs, number):
    """Return a file that has been made."""
    ((_, first, length),) = xfs.extents(f"{number}/file")
    return _File(xfs.path(f"{number}/file"), first // PAGE, length // PAGE)


def _make(child):
    """Make an XFS with a large file in each of two allocation groups."""
    with _mounted(child.path, size=f"{FS_PAGES * PAGE}", agsize=f"{FS_PAGES * PAGE // 2}") as xfs:
        for number in range(2):
            make_file(xfs, number, _FILE_MIB)


def _over(stack, child, geometry, seed):
    """Count over a device of one geometry; return the rows."""
    with (device(stack, ranges_of(child, geometry.lengths)) as path,
          _mounted(path, make=False) as xfs):
        files = [_file(xfs, number) for number in range(2)]
        places = Places(random.Random(f"{seed} {geometry.name}"), geometry.lengths)
        return rows_of(stack, geometry, _counted(path, files, places))


def tables(child, geometries, seed):
    """Count accesses over each geometry."""
    assert child.sectors > FS_PAGES * PAGE_SECTORS, f"{child} is smaller than {FS_PAGES} pages"
    _make(child)
    rows = _over(RAW, child, geometries[0], seed)
    with _wide(child) as wide:
        for geometry in geometries:
            fits = sum(geometry.lengths) * PAGE_SECTORS <= child.sectors
            for stack in (LINEAR, DAXLINEAR):
                rows += _over(stack, child if fits else wide, geometry, seed)
    return rows
