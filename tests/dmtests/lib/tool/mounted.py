# SPDX-License-Identifier: GPL-2.0
"""A device and an XFS that the command made, with bad blocks."""

from ..fs.xfs import Xfs
from ..units import MIB, SECTOR
from .tool import FOUND, ToolDevice, call


class MountedTool:
    """A device over two NVDIMMs, an XFS on it, and where bytes of it are."""

    def __init__(self, bed, *words):
        self.children = bed.nvdimms[2:4]
        self.device = bed.enter(ToolDevice(*self.children))
        # two files share blocks: mkfs allows that here, with a warning
        assert call("mkfs", self.device.name, "--", "-mreflink=1", *words).code == FOUND
        self.fs = bed.enter(Xfs(self.device, bed.folder(), make=False))
        self.first = 256 * MIB

    def spoil(self, place, length=SECTOR):
        """Add bad blocks to a child."""
        child = self.children[place >= self.first]
        at = place - (self.first if place >= self.first else 0)
        child.add_badblocks(at // SECTOR, length // SECTOR)
