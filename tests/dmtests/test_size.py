# SPDX-License-Identifier: GPL-2.0
"""Large devices: 64 GiB of NVDIMMs, and more pages than 32 bits count."""

import errno
import os
import random

import pytest

from lib.devices.poison import poison_page
from lib.dm.target import DaxLinear
from lib.fs.xfs import Xfs, XfsFailures
from lib.holders.victim import Sigbus, Victim
from lib.judge.oracle import Oracle, notified
from lib.tool.tool import ToolDevice, daxlinear
from lib.units import HUGE_SECTORS, MIB, PAGE, PAGE_LSB, PAGE_SECTORS, SECTOR

GIB = 1024 * MIB
TIB = 1024 * GIB

pytestmark = pytest.mark.large


def fill(fs, name):
    """Make a file of all free blocks."""
    step = GIB
    with open(fs.path(name), "wb") as file:
        at = 0
        while step >= MIB:
            try:
                os.posix_fallocate(file.fileno(), at, step)
                at += step
            except OSError as error:
                assert error.errno == errno.ENOSPC
                step //= 2
        os.fsync(file.fileno())


def test_xfs(bed):
    bed.kill_early()
    with ToolDevice(*bed.nvdimms) as device:
        size = device.sectors * SECTOR
        assert size >= 60 * GIB
        last_pfn = bed.nvdimms[-1].pfn(size // len(bed.nvdimms)) - 1
        daxlinear("mkfs", device.name)
        with Xfs(device, bed.folder(), make=False) as fs:
            fill(fs, "file")
            place = max(first + length for _, first, length in fs.extents("file")) - PAGE
            with (Victim(fs.path("file"), offset=fs.find("file", place), length=PAGE) as victim,
                  XfsFailures() as failures):
                poison_page(last_pfn - (size - PAGE - place) // PAGE)
                assert victim.wait_sigbus() == Sigbus("AO", 0, PAGE_LSB)
                if place != size - PAGE:
                    # the last page of all, which is free
                    poison_page(last_pfn)
                offsets = [offset for offset, _ in failures.places()]
            assert offsets == sorted({place, size - PAGE})
            assert not fs.is_shut_down()


# 32 TiB: with an index, and of ranges that have only pages in common
@pytest.mark.parametrize("sectors", [8 * GIB // SECTOR, 15 * GIB // SECTOR - PAGE_SECTORS])
def test_32_tib(bed, sectors):
    number = -(-32 * TIB // (sectors * SECTOR))
    ranges = [(bed.nvdimms[at % 4], at // 4 % 2 * HUGE_SECTORS, sectors) for at in range(number)]
    device = bed.device(DaxLinear.ranges(ranges))
    length = sectors * SECTOR
    size = number * length
    assert device.sectors * SECTOR == size >= 32 * TIB

    chance = random.Random(5)
    middle = 2 ** 32 * PAGE
    boundary = middle // length * length
    places = [0, size - PAGE, *range(middle - 3 * PAGE, middle + 3 * PAGE, PAGE),
              *range(boundary - 3 * PAGE, boundary + 3 * PAGE, PAGE),
              *[chance.randrange(size // PAGE) * PAGE for _ in range(500)]]
    pages = bed.probe.lookup([(device, place) for place in places])
    where = [(child, offset * SECTOR + place % length)
             for place in places for child, offset, _ in [ranges[place // length]]]
    assert [page.pfn for page in pages] == [child.pfn(byte) for child, byte in where]

    oracle = Oracle().map(device, ranges)
    with bed.probe.holding(device):
        for place, (child, byte) in list(zip(places, where, strict=True))[:16:5]:
            expected = oracle.where(child, byte)
            assert (device.number, place) in expected
            assert max(expected)[1] > middle > min(expected)[1]
            assert notified(bed.probe.inject(child, byte)) == expected
