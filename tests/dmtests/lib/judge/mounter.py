# SPDX-License-Identifier: GPL-2.0
"""A part of a storm that uses a filesystem."""

import tempfile

from ..dm.device import Device
from ..dm.target import DaxLinear
from ..fs.xfs import Xfs
from ..holders.probe import number_of
from ..units import PAGE, PAGE_SECTORS
from .floors import WINDOW_PAGES
from .part import Part

# where it mounts
SCRATCH = "/run/dmtests"


class Mounter(Part):
    """Makes, mounts, fails and removes a filesystem until the storm is over.

    It lives on pages of its own and fails them itself, so that each failure is accounted for. None
    arrives while it is mounted or unmounted: XFS is notified then through a pointer that may be
    stale, which is the kernel's own bug.
    """

    PAGES = 16384
    FAILURES = 25

    def __init__(self, seed, child, minor, stop):
        super().__init__(seed)
        self._child = child
        self._minor = minor
        self._stop = stop

    def run(self):
        while not self._stop.is_set():
            self._cycle()

    def _cycle(self):
        first = WINDOW_PAGES * 2
        target = DaxLinear(self.PAGES * PAGE_SECTORS, self._child.number, first * PAGE_SECTORS)
        with (Device(target, name=f"storm{self._minor}", minor=self._minor) as device,
              tempfile.TemporaryDirectory(dir=SCRATCH) as folder, Xfs(device, folder) as xfs):
            xfs.write("file", b"x" * (1 << 20))
            pages = [first + self.chance.randrange(self.PAGES) for _ in range(self.FAILURES)]
            number = number_of(self._child)
            self.probe.commands([f"inject {number} {page * PAGE} {PAGE} 0" for page in pages])
            status, = device.status()
            shut_down = xfs.is_shut_down()
        assert (status.received, status.forwarded) == (len(pages), len(pages)), status
        # one that hits metadata shuts XFS down, which handles no other then
        least = 1 if shut_down else len(pages)
        assert least <= status.handled <= len(pages), status
        self.log.of_xfs += len(pages)
