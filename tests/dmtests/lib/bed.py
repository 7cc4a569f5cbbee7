# SPDX-License-Identifier: GPL-2.0
"""The test bed: what each test starts from. It checks that a test leaves nothing behind."""

import contextlib
import os
import re
import shutil
import tempfile

from .command import read_file, run, write_file
from .devices import nvdimm, poison
from .dm import ioctl
from .dm.device import Device, NamedDevice, remove_all
from .holders.kmsg import Kmsg
from .holders.probe import Probe
from .holders.taint import WARNED, taint

# tests mount below it
SCRATCH = "/run/dmtests"

_EARLY_KILL = "/proc/sys/vm/memory_failure_early_kill"


class Bed:
    """The NVDIMMs, the probe and the kernel's log, for one test.

    What is entered with enter() is left when the test ends, the last first.
    """

    def __init__(self):
        self.nvdimms = nvdimm.discover()
        self.probe = None
        self.kmsg = None
        self._taint = 0
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        os.makedirs(SCRATCH, exist_ok=True)
        self.kmsg = Kmsg()
        self._taint = taint()
        self.probe = Probe()
        self.probe.reset()
        return self

    def __exit__(self, *_):
        try:
            self._stack.close()
        finally:
            self.probe.release_all()
            left = sweep()
            self._renew()
        assert not left, f"left behind: {left}"
        self._check()
        self.probe.close()
        self.kmsg.close()

    @staticmethod
    def was_used():
        """Return whether there was any bed since the guest started."""
        return os.path.exists(SCRATCH)

    def enter(self, manager):
        """Enter a context manager until the end of the test; return what it yields."""
        return self._stack.enter_context(manager)

    def device(self, *targets):
        """Return a mapped device that lives until the end of the test."""
        return self.enter(Device(*targets))

    def named_device(self, *targets):
        """Return one with a node of its name."""
        return self.enter(NamedDevice(*targets))

    def folder(self):
        """Return an empty folder that lives until the end of the test."""
        folder = tempfile.mkdtemp(dir=SCRATCH)
        self._stack.callback(shutil.rmtree, folder)
        return folder

    def kill_early(self):
        """Kill processes that map memory as soon as it fails, until the end of the test."""
        before = read_file(_EARLY_KILL)
        write_file(_EARLY_KILL, 1)
        self._stack.callback(write_file, _EARLY_KILL, before)

    def may_taint(self, bits):
        """Let the test set these bits of the kernel's taint."""
        self._taint |= bits

    def _renew(self):
        """Leave no page poisoned and no block bad."""
        for child in self.nvdimms:
            if child.is_spoiled or any(pfn in child.pfns() for pfn in poison.poisoned):
                child.renew()
                # which may have another number now
                self.nvdimms = nvdimm.discover()
        poison.poisoned.clear()

    def _check(self):
        """Assert that the kernel has not complained, and that each child's slot is free."""
        splat = self.kmsg.splat()
        assert splat is None, f"the kernel complained: {splat}"
        tainted = taint() & ~self._taint & ~(WARNED if self.kmsg.known else 0)
        assert not tainted, f"the kernel is tainted: {tainted:#x}"
        # dm cleans up behind a target that forgets to, and logs that
        assert not self.kmsg.find("dm_put_device call missing")
        if not all(child.has_its_number() for child in self.nvdimms):
            # a test had a namespace made anew
            self.nvdimms = nvdimm.discover()
        held = [child.name for child in self.nvdimms if not self.probe.is_free(child)]
        assert not held, f"the holder slot of {held} is taken"


def _mounts():
    with open("/proc/mounts", encoding="utf-8") as file:
        points = [line.split()[1] for line in file]
    return [point for point in reversed(points) if point.startswith(SCRATCH + "/")]


def sweep():
    """Remove whatever a test has left behind; return what there was."""
    left = _mounts()
    for point in left:
        run("umount", "--lazy", point, check=False)
    devices = os.listdir("/sys/class/block")
    if ioctl.names():
        left += remove_all()
    for name in devices:
        if re.fullmatch(r"pmem\d+p\d+", name):
            disk, _, number = name.rpartition("p")
            left.append(name)
            nvdimm.delete_partition(f"/dev/{disk}", int(number))
    return left
