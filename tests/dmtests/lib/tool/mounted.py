# SPDX-License-Identifier: GPL-2.0
"""A device and an XFS that the command made, with bad blocks."""

from ..fs.xfs import Xfs
from ..units import MIB, SECTOR
from .tool import FOUND, ToolDevice, call


class MountedTool:
    """A device over two NVDIMMs, an XFS on it, and where bytes of it are."""

    def __init__(self, bed, *words):
        self._probe = bed.probe
        self.children = bed.nvdimms[2:4]
        self.device = bed.enter(ToolDevice(*self.children))
        # two files share blocks: mkfs allows that here, with a warning
        assert call("mkfs", self.device.name, "--", "-mreflink=1", *words).code == FOUND
        self.fs = bed.enter(Xfs(self.device, bed.folder(), make=False))
        self.first = 256 * MIB

    def on_child(self, place):
        """Return the child that has a byte of the device, and where."""
        if place < self.first:
            return self.children[0], place
        return self.children[1], place - self.first

    def spoil(self, place, length=SECTOR):
        """Add bad blocks to a child."""
        child, at = self.on_child(place)
        child.add_badblocks(at // SECTOR, length // SECTOR)

    def fail(self, place):
        """Have a page fail."""
        self._probe.inject(*self.on_child(place))
