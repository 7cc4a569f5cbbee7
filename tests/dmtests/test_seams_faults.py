# SPDX-License-Identifier: GPL-2.0
"""Requests across the ends of ranges while other things change or fail.

Whatever fails, it fails with an error: all files are what was written to them, and what lies around
the ranges is as it was.
"""

import errno
import fcntl
import os

import pytest

from lib.bed import Bed
from lib.beside import Doing, promptly
from lib.devices.badblocks import badblocks
from lib.devices.unplug import Unplugged
from lib.dm import seams
from lib.dm.target import DaxLinear
from lib.fs.cow import Cow
from lib.holders import faults
from lib.judge.neighbours import Layout, Volume, chance, shuffled
from lib.module import HEAL, HOLDER, TARGET
from lib.units import MIB, MIB_PAGES, MIB_SECTORS, PAGE, PAGE_SECTORS

CROWD = int(os.environ.get("DMTESTS_CROWD", 200))

# pages of the first range: the filesystem's metadata are there
HEAD = 14 * MIB_PAGES + 7

_FICLONE = 0x40049409


def pair(children):
    """Return two ranges, one of each child."""
    return Layout(children).add(0, HEAD).add(1, 40 * MIB_PAGES + 3).ranges


def stripes(children, number, pages, most, nr_children=2):
    """Return so many ranges of at least so many pages each, of several children, in any order."""
    luck = chance("stripes")
    layout = Layout(children).add(0, HEAD)
    for at in range(number):
        layout.add(at % nr_children, pages + 2 * luck.randrange((most - pages) // 2),
                   1 + luck.randrange(4))
    return shuffled(layout, luck).ranges


def make(bed, ranges, kind="daxlinear"):
    """Return a volume and a process that works on it."""
    bed.kmsg.expect_known()
    volume = Volume(bed, kind, ranges)
    return volume, bed.enter(Cow(volume.fs.folder))


def all_well(volume, cow, *steps):
    """Take steps; assert that nothing is wrong then; return what they print."""
    lines = cow.do(*steps, "check")
    assert not volume.neighbours.damage()
    return lines


def answers(lines):
    """Return the errnos of the steps that might fail."""
    return [line.split()[2] for line in lines]


def test_hundred_seams_in_a_request(bed):
    volume, cow = make(bed, stripes(bed.nvdimms, 260, 401, 901, nr_children=4))
    size = 280 * MIB
    cow.do(f"write source 0 {size}", "clone source clone")
    before = seams.requests()
    cow.do(f"write clone 1 {size - 2}")
    # XFS makes one request of it, or a few, for the clone and for the source
    assert before < seams.requests() < before + 20
    assert min(len(volume.crossings(name)) for name in ("source", "clone")) > 100
    all_well(volume, cow)


@pytest.mark.at_once
def test_crowd(bed):
    # many processes at once, while the table is reloaded and grows
    ranges = stripes(bed.nvdimms, 1600, 1, 60, nr_children=3)
    volume, cow = make(bed, ranges)
    cow.do(f"reserve ballast 0 {PAGE}", "sync ballast")
    left = volume.seams[0] - volume.fs.place("ballast", 0)
    cow.do(f"reserve ballast 0 {left}", f"write source 0 {MIB + 123}", "sync source")
    assert len(volume.crossings("source")) > 5
    before = seams.requests()
    child, first, sectors = max((one for one in ranges if one[0] is bed.nvdimms[0]),
                                key=lambda one: one[1])
    cow.start(f"crowd source {CROWD} 3 {MIB // 4}")
    with Doing(cow.wait):
        for number in range(4):
            volume.device.reload(DaxLinear.ranges(
                ranges + [(child, first + sectors + 64 * MIB_SECTORS,
                           MIB_SECTORS * (number // 2))][:number // 2]))
    assert seams.requests() > before + CROWD
    assert not volume.neighbours.damage()
    seams.wait_until_nothing_is_held()


def test_little_memory(bed):
    volume, cow = make(bed, stripes(bed.nvdimms, 100, 101, 401))
    size = 24 * MIB
    cow.do(f"write source 0 {size}", "clone source clone")
    steps = [f"may write clone {at * MIB + 1} {MIB + PAGE}" for at in range(0, 23, 2)]
    lines = all_well(volume, cow, f"hog {80 * MIB}", *steps, "clone source clone", *steps)
    assert set(answers(lines)) <= {"ok", "ENOMEM"}


def test_killed_writers(bed):
    volume, cow = make(bed, stripes(bed.nvdimms, 100, 101, 401))
    size = 24 * MIB
    cow.do(f"write source 0 {size}")
    assert len(volume.crossings("source")) > 10
    for microseconds in (0, 1000, 5000, 20000, 60000):
        # over shared blocks, and over its own
        kill = f"kill clone 1 {size - 2} {microseconds}"
        all_well(volume, cow, "clone source clone", kill, "check", kill)


def test_suspended(bed):
    # DAX access does not wait for a resume
    volume, cow = make(bed, pair(bed.nvdimms))
    cow.do(f"write source 0 {8 * MIB}", "sync source", "clone source clone", "sync clone")
    at = volume.crossings("source")[volume.seams[0]]
    before = seams.requests()
    volume.device.suspend("--nolockfs", "--noflush")
    promptly(cow.do, f"read source {at - 100} 200", f"write clone {at - 100} 200",
             f"store clone {at - PAGE} {2 * PAGE}", f"read clone {at - PAGE} {2 * PAGE}")
    assert seams.requests() > before
    volume.device.resume()
    all_well(volume, cow)


def test_child_that_goes(bed):
    gone = bed.nvdimms[0]
    unplugged = Unplugged(gone)
    volume, cow = make(bed, stripes(bed.nvdimms, 100, 101, 401))
    size = 24 * MIB
    cow.do(f"write source 0 {size}", "sync source")
    data = volume.fs.read("source", size)
    steps = ["clone source clone", "sync clone"]
    cow.do(*steps)
    cow.start(*[f"may write clone {at} {size // 8 - 2}"
                for at in range(1, size, size // 8)] * 40)
    try:
        unplugged.unplug()
        found = answers(cow.wait())
        assert found[0] == "ok" and set(found) <= {"ok", "EIO", "ENXIO"} and found[-1] != "ok"
        assert volume.fs.is_shut_down()
    finally:
        cow.__exit__()
        unplugged.plug()
        volume.fs.unmount()
    assert not volume.neighbours.damage()
    # what was written before is there once the child is back
    volume.device.wipe()
    volume.device.reload(DaxLinear.ranges(volume.ranges))
    volume.fs.mount()
    assert volume.fs.read("source", size) == data


class BadPages:
    """A file over a seam, and a clone; what is written to the clone gets blocks over another."""

    # of the file, on each side of the seam: what is written to
    AROUND = 128 * PAGE

    def __init__(self, bed, kind):
        self.volume, self.cow = make(bed, Layout(bed.nvdimms).add(0, HEAD).add(
            1, 20 * MIB_PAGES + 3).add(0, 20 * MIB_PAGES, 50).ranges, kind)
        self.source_seam, self.clone_seam = self.volume.seams
        self.cow.do(f"write source 0 {8 * MIB}", f"reserve ballast 0 {PAGE}", "sync ballast")
        ballast = self.volume.fs.place("ballast", 0)
        self.cow.do(f"reserve ballast 0 {self.clone_seam - self.AROUND - ballast}", "sync ballast",
                    "clone source clone")
        self.at = self.volume.crossings("source")[self.source_seam]
        # written once, to see which blocks it gets
        self.cow.do(self.write(0))
        self.clone_at = self.volume.crossings("clone")[self.clone_seam]
        assert abs(self.clone_at - self.at) < self.AROUND - 32 * PAGE
        self.cow.do("truncate clone 0", "sync clone", "clone source clone", "sync clone")

    def write(self, ragged):
        """Return the step that writes to the clone."""
        return f"write clone {self.at - self.AROUND + ragged} {2 * (self.AROUND - ragged)}"

    def spoil(self, which, page):
        """Add bad blocks to a page, counted from where the children meet; return its NVDIMM."""
        place = {"source": self.source_seam, "clone": self.clone_seam}[which] + page * PAGE
        nvdimm, sector = self.volume.place(place)
        nvdimm.add_badblocks(sector, PAGE_SECTORS)
        return nvdimm

    def read_without(self, which, page):
        """Return the steps that read all but a page."""
        bad = {"source": self.at, "clone": self.clone_at}[which] + page * PAGE
        return [f"read {name} {first} {end - first}" for name in ("source", "clone")
                for first, end in ((0, bad), (bad + PAGE, 8 * MIB))]


@pytest.mark.parametrize("page", [-1, 0, 20])
@pytest.mark.parametrize("which", ["source", "clone"])
def test_bad_page(bed, which, page):
    found = {}
    for kind in ("bare", "daxlinear"):
        files = BadPages(bed, kind)
        files.spoil(which, page)
        lines = files.cow.do(f"may {files.write(100)}", *files.read_without(which, page))
        _, done, error = lines[0].split()
        # none, a part or all
        found[kind] = error, int(done)
        assert not files.volume.neighbours.damage()
    wanted = 2 * (files.AROUND - 100)
    assert (found["bare"] == ("ok", wanted)) == (found["daxlinear"] == ("ok", wanted)), found
    # the bad page has to be one that the kernel looks up
    if which == "clone" or page < 0:
        assert found["daxlinear"] != ("ok", wanted), found


def test_bad_pages_written_over(bed):
    # with an NVDIMM that clears bad blocks, the copy is made and the write succeeds
    bed.enter(HEAL)
    files = BadPages(bed, "daxlinear")
    spoilt = [files.spoil("clone", page) for page in (-2, -1, 0, 1, 30)]
    before = seams.requests()
    all_well(files.volume, files.cow, files.write(0))
    assert seams.requests() > before
    assert files.clone_seam in files.volume.crossings("clone")
    assert not any(badblocks(nvdimm) for nvdimm in spoilt)


def test_bad_pages_read(bed):
    volume, cow = make(bed, pair(bed.nvdimms))
    cow.do(f"write source 0 {8 * MIB}", "sync source")
    at = volume.crossings("source")[volume.seams[0]]
    for page in (-2, 3):
        nvdimm, sector = volume.place(volume.seams[0] + page * PAGE)
        nvdimm.add_badblocks(sector, PAGE_SECTORS)
    good = [f"read source {at - PAGE} {4 * PAGE}", f"read source 0 {at - 2 * PAGE}",
            f"read source {at + 4 * PAGE} {8 * MIB - at - 4 * PAGE}"]
    bad = [f"fails read source {at - 5 * PAGE} {7 * PAGE}", f"fails read source {at} {5 * PAGE}"]
    lines = cow.do(*good, *bad)
    assert set(answers(lines)) <= {"EIO", "ok"}


def refused(volume):
    """Return steps that fail, over the seam of two files."""
    at = volume.crossings("source")[volume.seams[0]]
    place = at // PAGE * PAGE - 4 * PAGE
    return [f"fails write clone {at - 1000} 2000", f"fails unshare clone {place} {8 * PAGE}",
            f"fails dedupe source {place} {8 * PAGE} clone {place}",
            f"fails read clone {at - 10} 20", f"fails write source {at - 10} 20"]


def test_limit(bed):
    # without memory it is an error, and nothing else
    volume, cow = make(bed, pair(bed.nvdimms))
    cow.do(f"write source 0 {8 * MIB}", f"copy source 0 {8 * MIB} clone 0", "sync clone",
           "clone source clone")
    mark = bed.kmsg.mark()
    with seams.limit(0):
        steps = refused(volume)
        lines = cow.do(*steps, f"write clone 0 {MIB}", f"read source 0 {MIB}")
        # XFS returns EIO for what it cannot compare
        assert {line.split()[-1] for line in lines} <= {"ENOMEM", "EIO", "ok", "same"}, lines
    assert bed.kmsg.find("no alias", mark)
    all_well(volume, cow, *[step.partition(" ")[2] for step in steps])


def test_nothing_is_held_for_long(bed):
    volume, cow = make(bed, stripes(bed.nvdimms, 100, 101, 401))
    cow.do(f"write source 0 {24 * MIB}", "clone source clone")
    all_well(volume, cow, f"write clone 1 {24 * MIB - 2}")
    seams.wait_until_nothing_is_held()


@pytest.mark.usefixtures("unloaded")
def test_unload_at_once():
    # the module frees all aliases as it goes, and waits for requests that use one
    HOLDER.insert()
    for _ in range(3):
        TARGET.insert()
        with Bed() as bed:
            _, cow = make(bed, stripes(bed.nvdimms, 100, 101, 401))
            cow.do(f"write source 0 {8 * MIB}", "clone source clone")
            cow.do(*[f"write clone {MIB * at + 1} {PAGE * 200}" for at in range(7)])
            assert seams.requests() > 7
        TARGET.remove()


def pwrite_all(fd, data, at):
    """Write; raise an OSError if only a part was written."""
    done = os.pwrite(fd, data, at)
    if done != len(data):
        raise OSError(errno.ENOMEM, "a part was written")


@pytest.mark.needs(faults.FAILSLAB)
def test_no_memory(bed):
    # each allocation fails in turn
    volume = Volume(bed, "daxlinear", pair(bed.nvdimms))
    old, new = b"old data" * (MIB // 2), b"new data" * 4000
    path = volume.fs.write("source", old)
    at = volume.crossings("source")[volume.seams[0]] - 1001
    expected = old[:at] + new + old[at + len(new):]
    clone = os.open(volume.fs.clone("source", "clone"), os.O_RDWR)
    source = os.open(path, os.O_RDONLY)
    failures = 0
    try:
        for failed in faults.each("daxlinear_direct_access", lambda: pwrite_all(clone, new, at)):
            failures += failed
            assert os.pread(clone, len(old), 0) == (old if failed else expected)
            assert os.pread(source, len(old), 0) == old
            fcntl.ioctl(clone, _FICLONE, source)
        assert os.pread(clone, len(old), 0) == expected
    finally:
        os.close(source)
        os.close(clone)
    assert failures > 1
    assert not volume.neighbours.damage()
