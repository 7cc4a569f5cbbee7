# SPDX-License-Identifier: GPL-2.0
"""Where each page of each child is mapped: every range is compared with every page.

Slow and simple on purpose: it shares no idea with the code that it judges.
"""

from ..units import PAGE, SECTOR


class Oracle:
    """The ranges that mapped devices map."""

    def __init__(self):
        self._ranges = []

    def map(self, parent, ranges, start=0):
        """Add (child, offset, sectors) ranges, one after the other, from this sector on."""
        for child, offset, sectors in ranges:
            self._ranges.append((child.disk.number, child.byte(offset), sectors * SECTOR,
                                 parent.number, start * SECTOR))
            start += sectors
        return self

    def where(self, child, byte):
        """Return the (major:minor, byte) of every place that maps a page, in order."""
        return sorted((parent, parent_first + byte - first)
                      for disk, first, length, parent, parent_first in self._ranges
                      if disk == child.disk.number and first <= byte < first + length)

    def where_all(self, child, byte, length):
        """Return the same for a stretch of whole pages."""
        return sorted(place for at in range(byte, byte + length, PAGE)
                      for place in self.where(child, at))


def notified(injection):
    """Return the (major:minor, byte) of which holders were notified by an injection, in order."""
    return sorted((call.dev, at) for call in injection.calls
                  for at in range(call.off, call.off + call.len, PAGE))
