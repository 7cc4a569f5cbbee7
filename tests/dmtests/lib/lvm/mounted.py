# SPDX-License-Identifier: GPL-2.0
"""A filesystem on a logical volume."""

from ..devices.poison import poison_page
from ..fs.xfs import XfsFailures
from ..units import PAGE


class Mounted(XfsFailures):
    """A mounted XFS on a volume, and the failures of which it is notified in a `with` block."""

    def __init__(self, volume, fs):
        super().__init__()
        self.volume = volume
        self.fs = fs

    def notified(self) -> list:
        """Return where in the volume each failure was of which XFS was notified."""
        return [offset for offset, _ in self.places()]

    def fail(self, name, first, end):
        """Have a page of a file fail that is between two places of the volume."""
        for _, place, length in self.fs.extents(name):
            at = max(place, first)
            if at + PAGE <= min(place + length, end):
                child, byte = self.volume.place(at)
                poison_page(child.pfn(byte))
                assert self.notified()[-1] == at
                return child
        raise LookupError(f"{name} has nothing between {first} and {end}")
