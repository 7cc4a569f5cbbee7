# SPDX-License-Identifier: GPL-2.0
"""Data arrives where it belongs, by block I/O and by DAX, whatever boundary it crosses."""

import collections
import contextlib
import errno
import mmap
import os
import random
import re

import pytest

from lib.command import read_file, run
from lib.dm.target import DaxLinear, Linear
from lib.fs.xfs import SMALLEST_GROUP, Xfs
from lib.holders.trace import Trace
from lib.holders.victim import Victim
from lib.units import HUGE, HUGE_SECTORS, MIB, MIB_SECTORS, PAGE, PAGE_SECTORS, SECTOR


def small_ranges(bed):
    """Return ranges of 1 to 40 pages on three children, in no order, 6 MiB in all."""
    chance = random.Random(5)
    ranges, left = [], 6 * MIB // PAGE
    offsets: collections.Counter = collections.Counter()
    while left:
        child = chance.choice(bed.nvdimms[:3])
        number = min(left, chance.randint(1, 40))
        offsets[child] += chance.choice((0, 0, 1, 30))
        ranges.append((child, offsets[child] * PAGE_SECTORS, number * PAGE_SECTORS))
        offsets[child] += number
        left -= number
    return ranges


def both_forms(ranges):
    """Return the targets for ranges, some in one table line and some line by line."""
    half = len(ranges) // 2
    return [DaxLinear.ranges(ranges[:half])] + [
        DaxLinear(sectors, child, offset) for child, offset, sectors in ranges[half:]]


@contextlib.contextmanager
def direct(device):
    """Yield a file descriptor for I/O that bypasses the page cache."""
    fd = os.open(device.path, os.O_RDWR | os.O_DIRECT)
    try:
        yield fd
    finally:
        os.close(fd)


def aligned(data):
    """Return a buffer that is aligned for O_DIRECT."""
    buffer = mmap.mmap(-1, len(data))
    buffer.write(data)
    return buffer


def read_direct(fd, length, offset):
    """Read past the page cache."""
    buffer = mmap.mmap(-1, length)
    assert os.preadv(fd, [buffer], offset) == length
    return buffer[:]


def test_block_io_across_ranges(bed):
    # whole writes over all boundaries at once, seen on the children themselves
    ranges = small_ranges(bed)
    device = bed.device(*both_forms(ranges))
    data = random.Random(6).randbytes(6 * MIB)
    with direct(device) as fd:
        # one byte in each sector names its write; no size is that of a range
        buffer, chance, at = aligned(data), random.Random(8), 0
        while at < len(data):
            size = min(len(data) - at, chance.randint(1, 1200) * SECTOR)
            assert os.pwritev(fd, [memoryview(buffer)[at:at + size]], at) == size
            at += size
        for _ in range(60):
            size = chance.randint(1, 600) * SECTOR
            at = chance.randrange((len(data) - size) // SECTOR) * SECTOR
            assert read_direct(fd, size, at) == data[at:at + size]
    device.remove()

    at = 0
    for child, offset, sectors in ranges:
        with open(child.path, "rb") as file:
            file.seek(offset * SECTOR)
            assert file.read(sectors * SECTOR) == data[at:at + sectors * SECTOR]
        at += sectors * SECTOR


# the small ones share a bucket of the index
@pytest.mark.parametrize("number", [7, 40, 190, 250])
def test_block_io_beside_a_large_range(bed, number):
    ranges = [(bed.nvdimms[at % 2], 2 * at * PAGE_SECTORS, PAGE_SECTORS) for at in range(number)]
    ranges.append((bed.nvdimms[2], 0, 16384 * PAGE_SECTORS))
    device = bed.device(DaxLinear.ranges(ranges))
    data = random.Random(number).randbytes(number * PAGE + MIB)
    with direct(device) as fd:
        buffer = aligned(data)
        for at in range(0, len(data), PAGE):
            assert os.pwritev(fd, [memoryview(buffer)[at:at + PAGE]], at) == PAGE
        # of all ranges at once
        assert read_direct(fd, len(data), 0) == data
    for place, (child, offset, _) in enumerate(ranges):
        with open(child.path, "rb") as file:
            file.seek(offset * SECTOR)
            length = PAGE if place < number else MIB
            assert file.read(length) == data[place * PAGE:place * PAGE + length]


def fio(folder, **options):
    """Run fio; it fails if what it reads back is not what it wrote."""
    words = [f"--{name}={value}" for name, value in options.items()]
    text = run("fio", "--name=verify", "--rw=randwrite", "--verify=crc32c", "--verify_fatal=1",
               "--verify_state_save=0", "--do_verify=1", "--thread", "--output-format=terse",
               f"--aux-path={folder}", *words)
    error = int(text.strip().splitlines()[-1].split(";")[4])
    assert error == 0, text


def test_fio_through_the_block_device(bed):
    # blocks that cross the boundaries of ranges, several under way
    device = bed.device(*both_forms(small_ranges(bed)))
    fio(bed.folder(), filename=device.path, direct=1, ioengine="libaio", iodepth=8,
        bsrange="512-256k", blockalign=512, size="3m", randseed=1)


@pytest.mark.parametrize("engine", ["mmap", "psync"])
def test_fio_through_dax(bed, engine):
    # a filesystem with a file that spans three children
    size = 3 * SMALLEST_GROUP // 2
    device = bed.device(*[DaxLinear(size // SECTOR, child, 3 * HUGE_SECTORS)
                          for child in bed.nvdimms[:3]])
    with Xfs(device, bed.folder(), agsize=3 * size) as fs:
        fs.reserve("file", 2 * size + 2 * MIB)
        for boundary in (size, 2 * size):
            offset = fs.find("file", boundary)
            assert fs.find("file", boundary - PAGE) == offset - PAGE
            fio(bed.folder(), filename=fs.path("file"), ioengine=engine, bsrange="4k-64k",
                offset=offset - MIB, size="2m", randseed=2)


def test_mapping_across_children(bed):
    # one mapping over the boundary, its two sides on two children
    first, second = bed.nvdimms[0], bed.nvdimms[2]
    edge = SMALLEST_GROUP
    parts = [(first, 2 * HUGE_SECTORS, edge // SECTOR), (second, 0, 2 * edge // SECTOR)]
    device = bed.device(DaxLinear.ranges(parts))
    data = random.Random(9).randbytes(64 * PAGE)
    with Xfs(device, bed.folder(), agsize=3 * edge) as fs:
        fs.reserve("file", 15 * edge // 8)
        offset = fs.find("file", edge) - 32 * PAGE
        assert fs.place("file", offset) == edge - 32 * PAGE
        with open(fs.path("file"), "r+b") as file:
            with mmap.mmap(file.fileno(), len(data), offset=offset) as memory:
                memory[:] = data
                memory.flush()
        assert fs.read("file", len(data), offset) == data
        with Victim(fs.path("file"), "-s", offset=offset, length=len(data)) as victim:
            frames = [int(victim.ask("pfn", page * PAGE)[1]) for page in (0, 31, 32, 63)]
        end = 2 * HUGE + edge
        assert frames == [first.pfn(end - 32 * PAGE), first.pfn(end - PAGE),
                          second.pfn(0), second.pfn(31 * PAGE)]
    device.remove()
    half = 32 * PAGE
    for child, at, expected in ((first, end - half, data[:half]), (second, 0, data[half:])):
        with open(child.path, "rb") as file:
            file.seek(at)
            assert file.read(half) == expected


def test_huge_pages_in_every_range(bed):
    # a lookup returns the longest run, as huge pages need
    ranges = [(child, 3 * HUGE_SECTORS, 4 * HUGE_SECTORS) for child in bed.nvdimms[:3]]
    device = bed.device(DaxLinear.ranges(ranges, "align_pmd"))
    pages = bed.probe.lookup([(device, place * HUGE, HUGE // PAGE) for place in range(12)])
    for place, page in enumerate(pages):
        child = bed.nvdimms[place // 4]
        assert (page.pfn, page.pages) == (child.pfn((3 + place % 4) * HUGE), HUGE // PAGE)


def flushes(trace):
    """Return how many flushes each device got, and whether any carried data."""
    found: collections.Counter = collections.Counter()
    for line in trace.lines():
        match = re.search(r"block_bio_queue: (\d+),(\d+) (\w+) (\d+) \+ (\d+)", line)
        if match and "F" in match[3]:
            found[f"{match[1]}:{match[2]}"] += 1
            assert match[5] == "0"
    return found


# ranges by the hundred are found by an index, which a flush, at sector 0, must not reach
@pytest.mark.parametrize("form", ["ranges", "lines", "lines of hundreds"])
def test_flush_reaches_every_child_once(bed, form):
    children = bed.nvdimms[:3]
    ranges = [(child, offset, MIB_SECTORS) for offset in (0, 80000) for child in children]
    if form == "ranges":
        targets, expected = [DaxLinear.ranges(ranges)], 1
    elif form == "lines of hundreds":
        many = [(children[at % 3], at * PAGE_SECTORS, PAGE_SECTORS) for at in range(300)]
        targets, expected = [DaxLinear.ranges(many), DaxLinear.ranges(many)], 2
    else:
        # dm sends a flush for each target
        expected = 2
        targets = [DaxLinear(sectors, child, offset) for child, offset, sectors in ranges]
    device = bed.device(*targets)
    fd = os.open(device.path, os.O_RDWR | os.O_EXCL)
    try:
        with Trace("block/block_bio_queue") as trace:
            os.fsync(fd)
            found = flushes(trace)
    finally:
        os.close(fd)
    assert found == {device.number: 1, **{child.number: expected for child in children}}


def test_flush_of_partitions(bed):
    # two partitions of one disk are two block devices
    disk, other = bed.nvdimms[0], bed.nvdimms[1]
    one = bed.enter(disk.partition(2048, 2048, 1))
    two = bed.enter(disk.partition(4096, 2048, 2))
    device = bed.device(DaxLinear.ranges([
        (child, at, PAGE_SECTORS)
        for child, at in ((one, 0), (other, 0), (two, 0), (one, PAGE_SECTORS))]))
    fd = os.open(device.path, os.O_RDWR | os.O_EXCL)
    try:
        with Trace("block/block_bio_queue") as trace:
            os.fsync(fd)
            found = flushes(trace)
    finally:
        os.close(fd)
    # the kernel remaps a partition's bio to its disk
    assert found[other.number] == 1
    assert found[one.number] + found[two.number] + found[disk.number] == 2


def test_sync_mappings_as_the_children(bed):
    # MAP_SYNC works as on an NVDIMM
    device = bed.device(*[DaxLinear(SMALLEST_GROUP // SECTOR, child, 0)
                          for child in bed.nvdimms[:2]])
    with Xfs(device, bed.folder(), agsize=2 * SMALLEST_GROUP) as fs:
        fs.reserve("file", MIB)
        with Victim(fs.path("file"), "-s") as victim:
            assert victim.ask("write", 5 * PAGE, 77) == ["ok"]
        assert fs.read("file", 1, 5 * PAGE) == bytes([77])


@pytest.mark.parametrize("target", [DaxLinear, Linear])
def test_bad_blocks_as_on_the_raw_device(bed, target):
    # bad blocks from before the table was loaded: the same pages fail as on the NVDIMM, no others
    child = bed.nvdimms[1]
    bad = 40 * PAGE_SECTORS + 3
    child.add_badblocks(bad, 2)
    places = [39 * PAGE, 40 * PAGE, 41 * PAGE]

    def behaviour(device, start):
        found: list = []
        for how in ("access", "phys"):
            pages = bed.probe.lookup([(device, place - start * SECTOR) for place in places], how)
            found += [(page.pfn, page.pages) for page in pages]
        with direct(device) as fd:
            for place in places:
                try:
                    read_direct(fd, PAGE, place - start * SECTOR)
                    found.append("read")
                except OSError as error:
                    found.append(error.errno)
        return found

    raw = behaviour(child, 0)
    assert raw[1][0] < 0 < raw[4][0]
    assert raw[6:] == ["read", errno.EIO, "read"]
    start = 20 * PAGE_SECTORS
    device = bed.device(target(MIB_SECTORS, child, start))
    assert behaviour(device, start) == raw


def neighbours(bed):
    """Return a device of two ranges that meet at a MiB, and where their children's data is."""
    first, second = bed.nvdimms[0], bed.nvdimms[2]
    device = bed.device(DaxLinear.ranges([(first, 10 * PAGE_SECTORS, MIB_SECTORS),
                                          (second, 2 * PAGE_SECTORS, MIB_SECTORS)]))
    with direct(device) as fd:
        assert os.pwritev(fd, [aligned(b"x" * 4 * PAGE)], MIB - 2 * PAGE) == 4 * PAGE
    return device, (first, 10 * PAGE_SECTORS * SECTOR + MIB), (second, 2 * PAGE_SECTORS * SECTOR)


def read_child(place, start, length):
    """Read from a child, counted from a place on it."""
    child, byte = place
    with direct(child) as fd:
        return read_direct(fd, length, byte + start)


def test_zeroing_beside_a_boundary(bed):
    device, end, start = neighbours(bed)
    bed.probe.zero(device, MIB - PAGE)
    assert read_child(end, -2 * PAGE, 2 * PAGE) == b"x" * PAGE + bytes(PAGE)
    assert read_child(start, 0, 2 * PAGE) == b"x" * 2 * PAGE
    bed.probe.zero(device, MIB)
    assert read_child(end, -2 * PAGE, PAGE) == b"x" * PAGE
    assert read_child(start, 0, 2 * PAGE) == bytes(PAGE) + b"x" * PAGE


def test_recovery_beside_a_boundary(bed):
    # it writes up to the end of a range and returns that; the rest takes another call
    device, end, start = neighbours(bed)
    after = read_child(end, 0, PAGE)
    assert bed.probe.recover(device, MIB - PAGE + 512, 2 * PAGE, ord("y")) == PAGE - 512
    assert read_child(end, -PAGE, PAGE) == b"x" * 512 + b"y" * (PAGE - 512)
    assert read_child(end, 0, PAGE) == after
    assert read_child(start, 0, PAGE) == b"x" * PAGE
    assert bed.probe.recover(device, MIB, 100, ord("y")) == 100
    assert read_child(start, 0, PAGE) == b"y" * 100 + b"x" * (PAGE - 100)


def test_recovery_as_on_the_raw_device(bed):
    # over a bad block, which the NVDIMM cannot clear here: up to the block
    child = bed.nvdimms[1]
    child.add_badblocks(48 * PAGE_SECTORS, 8)
    device = bed.device(DaxLinear(MIB_SECTORS, child, 40 * PAGE_SECTORS))
    raw = [bed.probe.recover(child, 48 * PAGE + at, PAGE, 1) for at in (0, PAGE)]
    assert raw == [0, PAGE]
    assert [bed.probe.recover(device, 8 * PAGE + at, PAGE, 1) for at in (0, PAGE)] == raw


def test_limits_are_the_childrens(bed):
    children = bed.nvdimms[:2]
    device = bed.device(DaxLinear.ranges([(child, 0, PAGE_SECTORS) for child in children]))
    for name in ("logical_block_size", "physical_block_size", "dax", "write_cache", "fua",
                 "rotational"):
        values = {read_file(f"/sys/block/{disk}/queue/{name}")
                  for disk in (device.disk, *[child.name for child in children])}
        assert len(values) == 1, name


def test_zeroes_and_discards(bed):
    # as on the children: pmem has no discard, so zeroes are written
    device = bed.device(*both_forms(small_ranges(bed)))
    with direct(device) as fd:
        assert os.pwritev(fd, [aligned(b"x" * MIB)], MIB) == MIB
        run("blkdiscard", "--zeroout", "--offset", str(MIB), "--length", str(MIB // 2),
            device.path)
        assert read_direct(fd, MIB, MIB) == bytes(MIB // 2) + b"x" * (MIB // 2)
    assert read_file(f"/sys/block/{device.disk}/queue/discard_max_bytes") == "0"
