# SPDX-License-Identifier: GPL-2.0
"""NVDIMMs that are put into other slots: what is on each is found under another name."""

import os

from ..command import log
from ..units import MIB

_CHUNK = 8 * MIB


def move(nvdimms, order, used):
    """Put what is on the number order[i] of some NVDIMMs of one size on the number i.

    Only the first bytes of each are used, and the last MiB.
    """
    log.info("%s have what was on %s", [one.name for one in nvdimms],
             [nvdimms[number].name for number in order])
    disks = [os.open(one.path, os.O_RDWR) for one in nvdimms]
    end = os.lseek(disks[0], 0, os.SEEK_END)
    assert {os.lseek(disk, 0, os.SEEK_END) for disk in disks} == {end} and used <= end - MIB
    spans = [(start, min(_CHUNK, used - start)) for start in range(0, used, _CHUNK)]
    for start, length in [*spans, (end - MIB, MIB)]:
        parts = [os.pread(disk, length, start) for disk in disks]
        for disk, number in zip(disks, order, strict=True):
            assert os.pwrite(disk, parts[number], start) == length
    for disk in disks:
        os.fsync(disk)
        os.close(disk)
