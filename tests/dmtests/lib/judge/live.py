# SPDX-License-Identifier: GPL-2.0
"""What live tables map, and whether failures are forwarded accordingly."""

import errno

from ..units import PAGE, SECTOR
from .oracle import Oracle, notified


def edge_pages(ranges):
    """Return (child, byte) of the first and the last page of each range, and of those around."""
    found = set()
    for child, offset, sectors in ranges:
        first, end = child.byte(offset), child.byte(offset + sectors)
        for byte in (first - PAGE, first, end - PAGE, end):
            if 0 <= byte < child.disk.sectors * SECTOR:
                found.add((child.disk, byte))
    return sorted(found, key=lambda place: (place[0].name, place[1]))


class Live:
    """The live tables of mapped devices that the probe holds.

    Every check fails the pages around the ranges of all `layouts`, of tables that are live or
    ever may be, so that it also sees notifications that should not be.
    """

    def __init__(self, bed, *layouts):
        self._probe = bed.probe
        self.pages = edge_pages([one for ranges in layouts for one in ranges if one[0]])
        self._tables = {}

    def map(self, device, ranges, start=0):
        """Set the live table of a device; the ranges start at a sector of it.

        A range may have None for its child, if no failure of it can be forwarded.
        """
        self._tables[device.number] = (device, ranges, start)

    def unmap(self, device):
        """Set that a device has no live table."""
        self._tables.pop(device.number, None)

    def check(self):
        """Fail each page; assert one notification at each place that maps it, and no other."""
        oracle = Oracle()
        for device, ranges, start in self._tables.values():
            for one in ranges:
                if one[0]:
                    oracle.map(device, [one], start)
                start += one[2]
        for (child, byte), injection in zip(self.pages, self._probe.inject_all(self.pages),
                                            strict=True):
            expected = oracle.where(child, byte)
            assert notified(injection) == expected, (child.name, byte, injection)
            assert len(injection.calls) == len(expected), injection
            assert injection.rc == (0 if expected else -errno.EOPNOTSUPP), injection
